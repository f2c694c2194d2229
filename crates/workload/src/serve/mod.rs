//! The pattern `serve`: requests that arrive at a fixed rate over sessions that stay open.
//!
//! Each model has its own server. The parts that servers share are here: the dialogue of a session
//! ([`Session`], without any I/O), a blocking conversation ([`Service::converse`]), and a readiness
//! loop for servers with fewer threads than sessions ([`Readiness`]). A separate program,
//! `requests` in `workload-compare`, sends the requests; a runner orders them from it ([`Order`]).
//!
//! All sessions are opened before the first request, and each is served until its client closes it.

pub mod control;
pub(crate) mod guessing;
mod lines;
pub(crate) mod order;
#[cfg(target_os = "linux")]
pub(crate) mod readiness;
pub(crate) mod service;
pub(crate) mod session;

pub use guessing::{guesses_per_round, round, value};
pub use lines::read_line;
pub use order::{Order, Ordered, Report, listen};
#[cfg(target_os = "linux")]
pub use readiness::Readiness;
pub use service::Service;
pub use session::Session;
