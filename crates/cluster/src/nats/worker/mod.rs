//! The worker: it pulls jobs, runs them in its slots, and reports to their callers.

pub(crate) mod builder;
mod drain;
mod gate;
mod handovers;
mod heartbeat;
mod held;
mod intake;
mod line;
mod outbox;
mod pull;
pub(crate) mod running;
mod serve;
mod service;
