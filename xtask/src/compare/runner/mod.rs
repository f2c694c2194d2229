//! A contestant's process: started, asked, ended with all that it started.

mod ending;
mod fault;
mod pipes;
mod process;

pub(crate) use ending::{Adopted, Adoption, MARK, ours};
pub(crate) use fault::{Fault, short};
pub(crate) use process::{Asking, Runner};
