//! The CPU time of all programs on the machine, against what the comparison's own processes used.

use std::path::Path;
use std::time::{Duration, Instant};

use workload::usage;

use super::text;
use crate::compare::warnings::Warning;

/// Less of the processors' time than this is what any system does besides. The kernel counts it in
/// ticks, which is true to a few per cent over seconds.
const LEAST_SHARE: f64 = 0.05;

/// Over less time, ticks say too little.
const SHORTEST: Duration = Duration::from_secs(1);

/// The use so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    ticks: Ticks,
    /// By this process and all below it.
    own: Duration,
    at: Instant,
}

/// Ticks of all processors together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ticks {
    busy: u64,
    stolen: u64,
    /// Busy, stolen, or idle.
    all: u64,
}

/// Looks at both; `None` where the system does not show it.
pub(super) fn look(root: &Path) -> Option<Seen> {
    Some(Seen {
        ticks: ticks(&text(root, "proc/stat")?)?,
        own: Duration::from_nanos(usage::at_end().cpu_ns),
        at: Instant::now(),
    })
}

/// The first line: user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice. The
/// last two are in the first two already.
fn ticks(stat: &str) -> Option<Ticks> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let fields: Vec<u64> = line
        .split_whitespace()
        .map(|field| field.parse().ok())
        .collect::<Option<_>>()?;
    let [user, nice, system, idle, iowait, irq, softirq, stolen] = *fields.first_chunk::<8>()?;
    let sum = |parts: &[u64]| parts.iter().try_fold(0_u64, |sum, x| sum.checked_add(*x));
    let busy = sum(&[user, nice, system, irq, softirq])?;
    Some(Ticks {
        busy,
        stolen,
        all: sum(&[busy, stolen, idle, iowait])?,
    })
}

/// The warning about the time in between, if any.
pub(super) fn warnings(before: Seen, after: Seen) -> Vec<Warning> {
    let passed = after.at - before.at;
    if passed < SHORTEST {
        return Vec::new();
    }
    let Some((busy, stolen, cpus)) = shares(before.ticks, after.ticks, passed) else {
        return Vec::new();
    };
    let own = after.own.saturating_sub(before.own).as_secs_f64() / (passed.as_secs_f64() * cpus);
    let others = busy - own;
    let mut warnings = Vec::new();
    if others >= LEAST_SHARE {
        warnings.push(Warning::OthersRan {
            share: others.min(1.0),
        });
    }
    if stolen >= LEAST_SHARE {
        warnings.push(Warning::Stolen { share: stolen });
    }
    warnings
}

/// The busy and the stolen part of the processors' time, and how many processors there are.
fn shares(before: Ticks, after: Ticks, passed: Duration) -> Option<(f64, f64, f64)> {
    /// Ticks a second in everything that the kernel shows: part of its interface on Linux.
    const USER_HZ: f64 = 100.0;
    // Idle time may be corrected downwards, and processors may be taken away.
    let all = after.all.checked_sub(before.all).filter(|all| *all > 0)? as f64;
    let busy = after.busy.checked_sub(before.busy)? as f64;
    let stolen = after.stolen.saturating_sub(before.stolen) as f64;
    let cpus = all / (USER_HZ * passed.as_secs_f64());
    Some((busy / all, stolen / all, cpus))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "cpu  100 20 30 400 50 6 7 8 9 1\ncpu0 50 10 15 200 25 3 3 4 4 0\nintr 5\n";

    #[test]
    fn ticks_are_those_of_all_processors() {
        let expected = Ticks {
            busy: 163,
            stolen: 8,
            all: 621,
        };
        assert_eq!(ticks(STAT), Some(expected));
        for bad in [
            "",
            "cpu0 1 2 3 4 5 6 7 8\n",
            "cpu  1 2 3\n",
            "cpu  a b c d e f g h\n",
        ] {
            assert_eq!(ticks(bad), None, "{bad}");
        }
        let huge = format!("cpu  {} 1 1 1 1 1 1 1\n", u64::MAX);
        assert_eq!(ticks(&huge), None);
    }

    /// Ten seconds on two processors: 2,000 ticks, of which this many were busy or stolen.
    fn said(busy: u64, stolen: u64, own_seconds: u64) -> Vec<Warning> {
        let start = Instant::now();
        let seen = |ticks, own, seconds| Seen {
            ticks,
            own: Duration::from_secs(own),
            at: start + Duration::from_secs(seconds),
        };
        let before = Ticks {
            busy: 1_000,
            stolen: 10,
            all: 9_000,
        };
        let after = Ticks {
            busy: 1_000 + busy,
            stolen: 10 + stolen,
            all: 11_000,
        };
        warnings(seen(before, 100, 0), seen(after, 100 + own_seconds, 10))
    }

    #[test]
    fn own_time_is_not_the_others() {
        assert!(said(1_500, 0, 15).is_empty(), "all of it is ours");
        assert!(said(1_580, 0, 15).is_empty(), "4 % are within the noise");
        let Warning::OthersRan { share } = said(1_500, 0, 10)[0] else {
            panic!("nobody else");
        };
        assert!((share - 0.25).abs() < 1e-9, "{share}");
        assert!(said(100, 0, 15).is_empty(), "ticks that were missed");
    }

    #[test]
    fn stolen_time_is_the_hosts() {
        let Warning::Stolen { share } = said(1_000, 200, 10)[0] else {
            panic!("nothing stolen");
        };
        assert!((share - 0.1).abs() < 1e-9, "{share}");
    }

    #[test]
    fn counters_that_run_backwards_say_nothing() {
        let now = Instant::now();
        let seen = |all, at| Seen {
            ticks: Ticks {
                busy: 5,
                stolen: 0,
                all,
            },
            own: Duration::ZERO,
            at,
        };
        let later = now + Duration::from_secs(10);
        assert!(warnings(seen(100, now), seen(90, later)).is_empty());
        assert!(warnings(seen(100, now), seen(100, later)).is_empty());
        assert!(
            warnings(seen(100, now), seen(900, now)).is_empty(),
            "too short"
        );
    }
}
