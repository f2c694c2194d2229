//! The comparison from end to end, with the project's own runners: interrupted, doubled, called
//! wrongly, repeated, and at the size that the project promises.

mod advise;
mod against;
mod alone;
mod bad_input;
mod bad_workloads;
mod calibrate;
mod cluster;
mod interrupt;
mod killed;
mod own_failures;
mod prices;
mod repeatable;
mod replays;
mod size;
mod special_files;
#[path = "../support/mod.rs"]
mod support;
mod trace;
