//! CPU time of a contestant, observed from outside.
//!
//! The clocks of living processes are exact. The CPU time of ended children is in `/proc` in ticks
//! only, usually hundredths of a second. Whether any child ended is known exactly, since an ended
//! child adds its page faults to its parent's.
//!
//! A child that is reaped during an observation moves from a clock of its own to its parent's
//! counter. Each counter is therefore read before and after the clocks: the child is missing from
//! the one sum or is in the other twice, so the sums are bounds.

use std::collections::BTreeSet;
use std::time::Duration;

use workload::protocol::Usage;
use workload::{tree, usage};

use super::runner::{Adopted, Runner};

/// How often to look again while children are being reaped.
const LOOKS: u32 = 4;

/// The CPU time that a process tree has used so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Used {
    at_least: Duration,
    at_most: Duration,
    /// Page faults of ended children, at the beginning and at the end of the observation.
    faults: [u64; 2],
    processes: u32,
}

/// The CPU time used between two observations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// A lower bound, for accusations of too much.
    pub(super) at_least: Duration,
    /// An upper bound, for accusations of too little.
    pub(super) at_most: Duration,
    /// The best estimate.
    pub(super) about: Duration,
}

/// Observes a runner, its descendants and its orphans; `None` if the system does not show CPU
/// times.
pub(super) fn look(runner: &Runner<'_>) -> Option<Used> {
    look_at(runner.id(), || runner.adopted())
}

fn look_at(pid: u32, adopted: impl Fn() -> Adopted) -> Option<Used> {
    usage::process_cpu_ns(pid)?;
    let mut best = look_once(pid, &adopted);
    for _ in 1..LOOKS {
        if best.room().is_zero() {
            break;
        }
        let again = look_once(pid, &adopted);
        if again.room() < best.room() {
            best = again;
        }
    }
    Some(best)
}

fn look_once(pid: u32, adopted: impl Fn() -> Adopted) -> Used {
    let mut tree = with_descendants([pid]);
    // Looked up last, so that a process that is orphaned meanwhile is found in one of the two
    // places.
    let adopted = adopted();
    tree.extend(with_descendants(adopted.its_own));
    let mut met = BTreeSet::new();
    tree.retain(|process| met.insert(*process));
    let mut others = with_descendants(adopted.of_unknown_origin);
    others.retain(|process| met.insert(*process));

    let mut used = Used::default();
    let mut first = Vec::with_capacity(tree.len());
    for process in &tree {
        // Before the clocks of its children, which come after it.
        let ended = of_ended_children(*process).unwrap_or_default();
        used.at_least += ended.0 + clock(*process);
        used.faults[0] += ended.1;
        first.push(ended);
    }
    used.at_most = used.at_least;
    for (process, first) in tree.iter().zip(first) {
        let again = of_ended_children(*process).unwrap_or(first);
        used.at_most += again.0.saturating_sub(first.0);
        used.faults[1] += again.1.max(first.1);
        used.processes += 1;
    }
    for process in others {
        let ended = of_ended_children(process).unwrap_or_default();
        used.at_most += ended.0 + clock(process);
    }
    used
}

/// Processes with all their descendants, parents before children.
fn with_descendants(processes: impl IntoIterator<Item = u32>) -> Vec<u32> {
    let whole = |process| std::iter::once(process).chain(tree::descendants(process));
    processes.into_iter().flat_map(whole).collect()
}

fn clock(process: u32) -> Duration {
    Duration::from_nanos(usage::process_cpu_ns(process).unwrap_or(0))
}

impl Used {
    /// The distance of the bounds.
    fn room(&self) -> Duration {
        self.at_most.saturating_sub(self.at_least)
    }

    /// The CPU time used from `before` to this observation.
    pub(super) fn since(&self, before: &Used) -> Span {
        let none_ended = self.faults[1] == before.faults[0] && self.processes >= before.processes;
        let grain = if none_ended {
            Duration::ZERO
        } else {
            // User and system time of each parent are rounded down.
            tick() * 2 * self.processes.max(before.processes)
        };
        let at_least = self.at_least.saturating_sub(before.at_most);
        Span {
            at_least: at_least.saturating_sub(grain),
            at_most: self.at_most.saturating_sub(before.at_least) + grain,
            about: self.at_least.saturating_sub(before.at_least),
        }
    }
}

/// The use of a sample: as the contestant says, unless it says nothing or less than half of the CPU
/// time that was observed. Only CPU time is observed from outside, so then the rest is 0.
pub(super) fn corrected(said: Option<Usage>, observed: Option<Span>) -> Usage {
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

    fn used(at_least: u64, at_most: u64, faults: [u64; 2]) -> Used {
        Used {
            at_least: ms(at_least),
            at_most: ms(at_most),
            faults,
            processes: 1,
        }
    }

    #[test]
    fn span_is_exact_unless_a_child_ended() {
        let before = used(5, 5, [7, 7]);
        let span = used(8, 8, [7, 7]).since(&before);
        let exactly = Span {
            at_least: ms(3),
            at_most: ms(3),
            about: ms(3),
        };
        assert_eq!(span, exactly);
        let span = used(8, 8, [9, 9]).since(&before);
        let rounded = Span {
            at_least: ms(0),
            at_most: ms(3) + tick() * 2,
            about: ms(3),
        };
        assert_eq!(span, rounded);
    }

    #[test]
    fn span_has_room_for_a_child_reaped_meanwhile() {
        let before = used(100, 100, [7, 7]);
        let span = used(200, 400, [7, 9]).since(&before);
        assert_eq!(span.at_most, ms(300) + tick() * 2);
        assert_eq!(span.at_least, ms(100).saturating_sub(tick() * 2));
        let span = used(400, 400, [9, 9]).since(&used(200, 300, [7, 9]));
        assert!(
            span.at_most >= ms(200) && span.at_least <= ms(100),
            "{span:?}"
        );
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
            at_least: ms(7),
            at_most: ms(9),
            about: ms(8),
        });
        let from_outside = Usage {
            cpu_ns: 8_000_000,
            ..Usage::default()
        };
        assert_eq!(corrected(Some(said(3_999_999)), observed), from_outside);
        assert_eq!(corrected(None, observed), from_outside);
        assert_eq!(corrected(Some(said(4_000_000)), observed), said(4_000_000));
        assert_eq!(corrected(Some(said(1)), None), said(1));
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
        let before = look_at(std::process::id(), Adopted::default).unwrap();
        let script = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";
        let done = std::process::Command::new("sh")
            .args(["-c", script])
            .status();
        assert!(done.unwrap().success());
        let span = look_at(std::process::id(), Adopted::default)
            .unwrap()
            .since(&before);
        assert!(span.at_most > tick(), "{span:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn process_of_unknown_origin_counts_as_a_possibility_only() {
        let unknown = || Adopted {
            its_own: Vec::new(),
            of_unknown_origin: vec![std::process::id()],
        };
        let mut child = std::process::Command::new("sh")
            .args(["-c", "echo; read line"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0]).unwrap();
        let with = look_at(child.id(), unknown).unwrap();
        let its_own = look_at(child.id(), || Adopted {
            its_own: vec![std::process::id()],
            of_unknown_origin: Vec::new(),
        });
        let without = look_at(child.id(), Adopted::default).unwrap();
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(with.at_least <= without.at_least, "{with:?} {without:?}");
        assert!(with.at_most > without.at_most, "{with:?} {without:?}");
        assert!(its_own.unwrap().at_least > without.at_least);
    }
}
