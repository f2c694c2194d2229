//! The engine on NATS JetStream: the caller, and the worker.

pub(crate) mod caller;
pub(crate) mod connection;
mod linger;
mod message;
mod names;
mod objects;
mod report;
mod runtime;
mod server;
pub(crate) mod settings;
mod status;
pub(crate) mod worker;
