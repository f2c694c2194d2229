//! The transport of jobs and results: rings in shared memory, bells to wake the other side, a
//! socket for descriptors.
//!
//! `README.md` beside this file describes the states, and which side may change them.

#![cfg_attr(
    not(model_check),
    allow(unreachable_pub, reason = "public for the model checks")
)]

pub mod bell;
pub mod bytes;
pub(crate) mod descriptor;
pub(crate) mod layout;
#[allow(unsafe_code, reason = "shared memory; every block argues")]
pub(crate) mod mapping;
pub mod slot;
pub(crate) mod socket;
