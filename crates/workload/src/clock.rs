//! The clock that all processes of a machine share.

/// The time since an arbitrary moment, the same one for all processes of this machine.
#[cfg(unix)]
pub fn clock_ns() -> u64 {
    use nix::time::{ClockId, clock_gettime};
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(std::time::Duration::from);
    now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX))
}

/// Unknown on this system, where no process takes tasks of another one.
#[cfg(not(unix))]
pub fn clock_ns() -> u64 {
    0
}
