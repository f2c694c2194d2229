//! CPU time of a tree of processes.
//!
//! It is the sum of three parts: the time of this process, of its children that have ended and been
//! waited for, and of its living descendants so far, each of which has a CPU clock in the kernel.
//! The first two do not include a living worker process.

pub use crate::protocol::Usage;

#[cfg(unix)]
mod imp {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeVal;

    use super::Usage;
    use crate::tree;

    fn ns(time: TimeVal) -> u64 {
        u64::try_from(time.tv_sec() * 1_000_000_000 + time.tv_usec() * 1_000).unwrap_or(0)
    }

    /// The usage up to the beginning of a span. The descendants are looked up first, so that this
    /// is not part of the span.
    pub fn at_begin() -> Usage {
        let below = living_ns();
        with_living(own(), below)
    }

    /// The usage up to the end of a span. The descendants are looked up last.
    pub fn at_end() -> Usage {
        let own = own();
        with_living(own, living_ns())
    }

    /// This process and its children that have ended.
    fn own() -> Usage {
        let mut total = Usage::default();
        for who in [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN] {
            let Ok(used) = getrusage(who) else { continue };
            total.user_ns += ns(used.user_time());
            total.system_ns += ns(used.system_time());
            total.voluntary_switches +=
                u64::try_from(used.voluntary_context_switches()).unwrap_or(0);
            total.involuntary_switches +=
                u64::try_from(used.involuntary_context_switches()).unwrap_or(0);
        }
        total.cpu_ns = total.user_ns + total.system_ns;
        total
    }

    fn living_ns() -> u64 {
        tree::descendants(std::process::id())
            .into_iter()
            .filter_map(process_cpu_ns)
            .sum()
    }

    fn with_living(own: Usage, living_ns: u64) -> Usage {
        Usage {
            cpu_ns: own.cpu_ns + living_ns,
            ..own
        }
    }

    /// The CPU clock of a process with all its threads; `None` if it has ended.
    #[cfg(target_os = "linux")]
    pub fn process_cpu_ns(pid: u32) -> Option<u64> {
        let clock =
            nix::time::clock_getcpuclockid(nix::unistd::Pid::from_raw(pid.cast_signed())).ok()?;
        let time = nix::time::clock_gettime(clock).ok()?;
        u64::try_from(time.tv_sec() * 1_000_000_000 + time.tv_nsec()).ok()
    }

    /// Other systems have no clock for other processes.
    #[cfg(not(target_os = "linux"))]
    pub fn process_cpu_ns(_: u32) -> Option<u64> {
        None
    }
}

#[cfg(not(unix))]
mod imp {
    use super::Usage;

    /// Unknown on this system.
    pub fn at_begin() -> Usage {
        Usage::default()
    }

    /// Unknown on this system.
    pub fn at_end() -> Usage {
        Usage::default()
    }

    /// Unknown on this system.
    pub fn process_cpu_ns(_: u32) -> Option<u64> {
        None
    }
}

pub use imp::{at_begin, at_end, process_cpu_ns};

/// The usage between two readings.
pub fn between(before: Usage, after: Usage) -> Usage {
    Usage {
        cpu_ns: after.cpu_ns.saturating_sub(before.cpu_ns),
        user_ns: after.user_ns.saturating_sub(before.user_ns),
        system_ns: after.system_ns.saturating_sub(before.system_ns),
        voluntary_switches: after
            .voluntary_switches
            .saturating_sub(before.voluntary_switches),
        involuntary_switches: after
            .involuntary_switches
            .saturating_sub(before.involuntary_switches),
    }
}
