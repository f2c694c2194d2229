//! CPU time of a child: the cost of a step even on a busy machine.

use std::io;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

/// Waits for the child. Returns its status and the CPU time of the child and its reaped
/// descendants; zero if the system does not report it.
pub(super) fn wait(child: &mut Child) -> io::Result<(ExitStatus, Duration)> {
    #[cfg(target_os = "linux")]
    return linux::wait(child);
    #[cfg(not(target_os = "linux"))]
    return child.wait().map(|status| (status, Duration::ZERO));
}

/// Waits until the child has ended, without reaping it. False if it is still running after `limit`.
pub(super) fn ends_within(child: &mut Child, limit: Duration) -> io::Result<bool> {
    let since = Instant::now();
    let mut pause = Duration::from_millis(1);
    while !has_ended(child)? {
        if since.elapsed() > limit {
            return Ok(false);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Ok(true)
}

/// The longest pause between two looks at a child. Hardly any test program takes less.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

#[cfg(target_os = "linux")]
use linux::has_ended;

#[cfg(not(target_os = "linux"))]
fn has_ended(child: &mut Child) -> io::Result<bool> {
    child.try_wait().map(|status| status.is_some())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::sync::{Mutex, PoisonError};

    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

    use super::*;

    /// Held while a child is reaped, so that the difference belongs to that child alone.
    static REAPING: Mutex<()> = Mutex::new(());

    pub(super) fn wait(child: &mut Child) -> io::Result<(ExitStatus, Duration)> {
        let pid = Pid::from_child(child);
        loop {
            let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            match waitid(WaitId::Pid(pid), ended) {
                Ok(_) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let _alone = REAPING.lock().unwrap_or_else(PoisonError::into_inner);
        let before = of_children();
        let status = child.wait()?;
        Ok((status, of_children().saturating_sub(before)))
    }

    pub(super) fn has_ended(child: &mut Child) -> io::Result<bool> {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        match waitid(WaitId::Pid(Pid::from_child(child)), look) {
            Ok(status) => Ok(status.is_some()),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn of_children() -> Duration {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let ticks = ticks(&stat).unwrap_or(0);
        let second = rustix::param::clock_ticks_per_second();
        Duration::from_secs(ticks) / u32::try_from(second).unwrap_or(100).max(1)
    }

    /// CPU ticks of reaped children: fields 16 and 17 of `proc(5)`, after the name in parentheses.
    fn ticks(stat: &str) -> Option<u64> {
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_whitespace().skip(13);
        let (user, system): (u64, u64) =
            (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(user + system)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_times_of_children_are_read_behind_any_name() {
            let stat = "7 (a) b) R 1 2 3 4 5 6 7 8 9 10 11 12 300 45 20 0";
            assert_eq!(ticks(stat), Some(345));
            assert_eq!(ticks("7 (a) R 1"), None);
            assert_eq!(ticks(""), None);
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn ends_within_distinguishes_running_and_ended_children() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert!(!ends_within(&mut child, Duration::from_millis(20)).unwrap());
        child.kill().unwrap();
        assert!(ends_within(&mut child, Duration::from_secs(60)).unwrap());
        assert!(
            !wait(&mut child).unwrap().0.success(),
            "it is still to reap"
        );
    }

    #[test]
    fn the_cpu_time_of_a_grandchild_counts() {
        let spin = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done";
        let script = format!("sh -c '{spin}'; exit 7");
        let mut child = Command::new("sh").args(["-c", &script]).spawn().unwrap();
        let (status, time) = wait(&mut child).unwrap();
        assert_eq!(status.code(), Some(7));
        assert!(time > Duration::ZERO);
    }
}
