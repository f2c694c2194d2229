//! The tests of the API, the same for each runtime.

mod runtime;
mod support;

use runtime::tasks;

mod api {
    mod completed;
    mod dropped;
    mod errors;
    mod fairness;
    mod first;
    mod group;
    mod map;
    mod map_local;
    mod retry;
    mod settings;
    mod stream;
    mod timeout;
}
