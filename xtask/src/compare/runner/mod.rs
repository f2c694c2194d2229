//! A contestant's process: started, asked, ended with all that it started.

mod ending;
mod fault;
mod pipes;
mod process;

pub(in crate::compare) use ending::{adopt_orphans, ours, sweep_orphans};
pub(in crate::compare) use fault::Fault;
pub(in crate::compare) use process::{Asking, Runner};
