//! Helpers shared by the test programs.
#![allow(dead_code, reason = "each test program uses a part of it")]

pub(crate) mod checks;
pub(crate) mod rerun;
