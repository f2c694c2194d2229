//! Helpers of the tests.
#![allow(unused_imports, reason = "each test binary uses a part of it")]

mod proc;
mod random;
mod waiting;

pub(crate) use proc::{live_threads, resident_kib, wait_for_threads};
pub(crate) use random::Random;
pub(crate) use waiting::{soak_time, threads_named, within_deadline};
