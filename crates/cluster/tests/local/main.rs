//! The embedded engine: the same semantics as with a server, in this process.

mod failures;
mod handles;
mod limits;
mod maps;
mod shutdown;
#[path = "../support/mod.rs"]
mod support;
