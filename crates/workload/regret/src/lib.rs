//! Is the advice right? Eight real jobs, each written by hand in every sensible model.
//!
//! The program records each job, asks `cargo xtask advise` about the trace and about the function,
//! measures the versions written by hand, and prints the *regret*: the time of the version that was
//! advised, divided by that of the best one.

pub mod advice;
pub mod arguments;
pub mod by_hand;
pub mod job;
pub mod measure;
pub mod record;
pub mod regret;
pub mod rules;
pub mod saved;
pub mod table;
