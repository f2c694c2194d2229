//! A contestant's process: started, asked, ended with all that it started.

mod ending;
mod fault;
mod pipes;
mod process;

pub(in crate::compare) use ending::{Adopted, Adoption, MARK, ours};
pub(in crate::compare) use fault::{Fault, short};
pub(in crate::compare) use process::{Asking, Runner};
