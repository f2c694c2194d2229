//! Bounded reads and atomic writes, safe against devices, FIFOs, links and endless files in their
//! place.
//!
//! Every command reads through [`read`] and writes through [`replace`], [`create`] or
//! [`Replacement`].

mod kind;
mod read;
mod relative;
mod write;

pub use kind::refuse_special;
pub use read::{read, read_text};
pub use relative::is_plain;
pub use write::{Replacement, check_replaceable, create, replace};
