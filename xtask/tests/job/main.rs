//! A job outside the checkout, from `new job` to its figures, with a function that behaves as each
//! test asks for.
//!
//! All tests share one job, so that the program with all models is built once.

#[path = "../support/mod.rs"]
mod support;

mod built;
mod failures;
mod figures;
mod refusals;
