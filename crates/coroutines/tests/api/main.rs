//! The tests that this crate shares with `tokio-tasks`.

mod retry;
mod runtime;
mod settings;
mod stream;
mod support;
mod timeout;

use runtime::tasks;
