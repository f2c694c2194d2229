//! CPU time of a contestant, observed from outside.
//!
//! The clocks of living processes are exact. The CPU time of ended children is in `/proc` in ticks
//! only, usually hundredths of a second. Whether any child ended is known exactly, since an ended
//! child adds its page faults to its parent's.

use std::time::Duration;

use workload::protocol::Usage;
use workload::{tree, usage};

/// The CPU time that a process tree has used so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Used {
    living: Duration,
    ended: Duration,
    /// Page faults of ended children.
    faults: u64,
    processes: u32,
}

/// The CPU time used between two observations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// An upper bound that includes the rounding of ended children's time.
    pub(super) at_most: Duration,
    /// The best estimate.
    pub(super) about: Duration,
}

/// Observes a process and its descendants; `None` if the system does not show CPU times.
pub(super) fn look(pid: u32) -> Option<Used> {
    usage::process_cpu_ns(pid)?;
    let mut used = Used::default();
    for process in std::iter::once(pid).chain(tree::descendants(pid)) {
        let living = usage::process_cpu_ns(process).unwrap_or(0);
        let (ended, faults) = of_ended_children(process).unwrap_or_default();
        used.living += Duration::from_nanos(living);
        used.ended += ended;
        used.faults += faults;
        used.processes += 1;
    }
    Some(used)
}

impl Used {
    /// The CPU time used from `before` to this observation.
    pub(super) fn since(&self, before: &Used) -> Span {
        let all = |used: &Used| used.living + used.ended;
        let about = all(self).saturating_sub(all(before));
        let none_ended = self.faults == before.faults && self.processes >= before.processes;
        let grain = if none_ended {
            Duration::ZERO
        } else {
            // User and system time of each parent are rounded down.
            tick() * 2 * self.processes.max(before.processes)
        };
        Span {
            at_most: about + grain,
            about,
        }
    }
}

/// What a sample used: as the contestant says, unless it says nothing or less than half of the CPU
/// time that was observed. Only CPU time is observed from outside, so then the rest is 0.
pub(super) fn usage(said: Option<Usage>, observed: Option<Span>) -> Usage {
    let said_ns = said.map_or(0, |said| said.cpu_ns);
    match observed {
        Some(span) if said.is_none() || Duration::from_nanos(said_ns) < span.about / 2 => Usage {
            cpu_ns: u64::try_from(span.about.as_nanos()).unwrap_or(u64::MAX),
            ..Usage::default()
        },
        _ => said.unwrap_or_default(),
    }
}

/// CPU time and page faults of a process's children that have ended and were reaped.
fn of_ended_children(pid: u32) -> Option<(Duration, u64)> {
    let fields = tree::stat_fields(pid)?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let ticks = number(13)? + number(14)?;
    let time = tick() * u32::try_from(ticks).unwrap_or(u32::MAX);
    Some((time, number(8)? + number(10)?))
}

fn tick() -> Duration {
    let a_second = rustix::param::clock_ticks_per_second();
    Duration::from_secs(1) / u32::try_from(a_second).unwrap_or(100).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn span_is_exact_unless_a_child_ended() {
        let before = Used {
            living: ms(5),
            ended: ms(0),
            faults: 7,
            processes: 1,
        };
        let after = Used {
            living: ms(8),
            ..before
        };
        let span = after.since(&before);
        assert_eq!((span.at_most, span.about), (ms(3), ms(3)));
        let reaped = Used { faults: 9, ..after };
        let span = reaped.since(&before);
        assert_eq!((span.at_most, span.about), (ms(3) + tick() * 2, ms(3)));
    }

    #[test]
    fn figures_of_a_refuted_usage_are_all_dropped() {
        let said = |cpu_ns| Usage {
            cpu_ns,
            user_ns: 1,
            system_ns: 2,
            voluntary_switches: 3,
            involuntary_switches: 4,
        };
        let observed = Some(Span {
            at_most: ms(9),
            about: ms(8),
        });
        let from_outside = Usage {
            cpu_ns: 8_000_000,
            ..Usage::default()
        };
        assert_eq!(super::usage(Some(said(3_999_999)), observed), from_outside);
        assert_eq!(super::usage(None, observed), from_outside);
        assert_eq!(
            super::usage(Some(said(4_000_000)), observed),
            said(4_000_000)
        );
        assert_eq!(super::usage(Some(said(1)), None), said(1));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn ended_children_are_seen_if_the_name_is_not_utf8() {
        use std::os::unix::ffi::OsStrExt;
        use std::os::unix::process::CommandExt;
        use std::process::{Command, Stdio};

        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join(std::ffi::OsStr::from_bytes(b"\xff\xfe"));
        std::os::unix::fs::symlink("/bin/sh", &program).unwrap();
        let mut shell = Command::new(&program)
            .arg0("sh")
            .args(["-c", "/bin/true; /bin/true; echo done; read line"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = [0; 5];
        let output = shell.stdout.as_mut().unwrap();
        std::io::Read::read_exact(output, &mut said).unwrap();
        let ended = of_ended_children(shell.id());
        drop(shell.stdin.take());
        shell.wait().unwrap();
        assert!(ended.is_some_and(|(_, faults)| faults > 0), "{ended:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn look_counts_a_child_that_has_ended() {
        let before = look(std::process::id()).unwrap();
        let script = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";
        let done = std::process::Command::new("sh")
            .args(["-c", script])
            .status();
        assert!(done.unwrap().success());
        let span = look(std::process::id()).unwrap().since(&before);
        assert!(span.at_most > tick(), "{span:?}");
    }
}
