//! A pool in normal operation.

mod handles;
mod jobs;
mod maps;
mod shutdown;
#[path = "../support/mod.rs"]
mod support;
