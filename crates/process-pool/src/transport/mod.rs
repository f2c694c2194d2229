//! How jobs and results travel: rings in shared memory, bells to wake the other side, a socket for descriptors.
//!
//! See `README.md` beside this file for the states and who may change what.

pub(crate) mod bell;
pub(crate) mod bytes;
pub(crate) mod descriptor;
pub(crate) mod futex;
pub(crate) mod layout;
#[allow(unsafe_code, reason = "shared memory; every block argues")]
pub(crate) mod mapping;
pub(crate) mod slot;
pub(crate) mod socket;
pub(crate) mod spin;

/// What `bell` and `slot` are built on. The model check puts loom's here.
mod sync {
    pub(super) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
}
