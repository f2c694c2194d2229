//! The caller's half of the engine: it publishes jobs, collects reports, acknowledges, and watches
//! for jobs that no worker runs.

mod acks;
mod claims;
mod command;
mod connect;
mod deletions;
mod desk;
mod fetching;
mod keys;
mod recovery;
pub(super) mod reports;
mod sending;
mod tracked;
mod unclaimed;
mod watch;
