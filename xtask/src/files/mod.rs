//! Reading and writing files that others may have put in place: devices, FIFOs, links, files without an end.
//!
//! Every command reads through [`read`] and writes through [`replace`], [`create`] or [`Replacement`].

mod kind;
mod read;
mod relative;
mod write;

pub use kind::refuse_special;
pub use read::{read, read_text};
pub use relative::is_plain;
pub use write::{Replacement, check_replaceable, create, replace};
