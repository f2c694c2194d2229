//! The guardian: a process that outlives a killed comparison and ends what the comparison left
//! behind.
//!
//! A contestant exits when its standard input closes, but its children may run in sessions of their
//! own and notice nothing. SIGKILL cannot be caught, so the guardian waits for the end of a pipe
//! from the comparison. A comparison that ends in good order sends a farewell first; without it,
//! the guardian ends every process that carries the mark of the comparison's contestants.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The argument that turns this program into a guardian; the mark follows it.
const ROLE: &str = "--guard-of-a-comparison";

/// The byte that a comparison sends when it ends in good order.
const FAREWELL: u8 = b'.';

/// The time limit for the guardian to exit after the farewell.
const FAREWELL_PATIENCE: Duration = Duration::from_secs(2);

/// The pause between two looks at whether the guardian has exited.
const PAUSE: Duration = Duration::from_millis(1);

/// A running guardian. Dropping it sends the farewell, so the guardian ends nothing.
#[derive(Debug)]
pub(super) struct Guardian {
    child: Child,
    line: Option<ChildStdin>,
}

impl Guardian {
    /// Starts a guardian for the contestants with this mark.
    ///
    /// # Errors
    ///
    /// If the process cannot be started.
    pub(super) fn start(mark: &str) -> io::Result<Guardian> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([ROLE, mark])
            // Out of reach of Ctrl-C and of a kill of the comparison's process group.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let line = child.stdin.take();
        Ok(Guardian { child, line })
    }

    /// The id of the guardian's process.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        if let Some(mut line) = self.line.take() {
            let _ = line.write_all(&[FAREWELL]);
        }
        let deadline = Instant::now() + FAREWELL_PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() >= deadline {
                // Stopped, for example. With the farewell sent, it has nothing left to do.
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            sleep(PAUSE);
        }
    }
}

/// Acts as the guardian if the arguments ask for it, and returns the exit status.
pub fn guard(args: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let args: Vec<OsString> = args.into_iter().collect();
    let [_, role, mark] = &args[..] else {
        return None;
    };
    if role != OsStr::new(ROLE) {
        return None;
    }
    let Some(mark) = mark.to_str().filter(|mark| is_beginning(mark)) else {
        let _ = writeln!(
            io::stderr(),
            "error: {ROLE} is for `cargo xtask compare` itself, and takes the mark of one comparison"
        );
        return Some(ExitCode::from(2));
    };
    let mut said = Vec::new();
    let _ = io::stdin().take(1).read_to_end(&mut said);
    if said != [FAREWELL] {
        imp::end_marked(mark);
    }
    Some(ExitCode::SUCCESS)
}

/// Whether this is the whole beginning of one comparison's marks: its process id and its start
/// time, each followed by a hyphen. Less than that would match the contestants of others.
fn is_beginning(mark: &str) -> bool {
    let parts: Vec<&str> = mark.split('-').collect();
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    matches!(parts[..], [process, since, ""] if number(process) && number(since))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_that_match_several_comparisons_are_refused() {
        assert!(is_beginning("4711-1780000000000000000-"));
        for mark in [
            "", "-", "--", "1", "12-", "12-34", "-34-", "12--", "12-34-5", "a-34-",
        ] {
            assert!(!is_beginning(mark), "{mark:?}");
        }
    }
}

#[cfg(target_os = "linux")]
mod imp {
    use std::fs;
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

    use crate::compare::runner::MARK;

    /// The time limit for processes that start others faster than they are found.
    const LONGEST: Duration = Duration::from_secs(10);

    /// The pause between two scans.
    const SLICE: Duration = Duration::from_millis(20);

    /// Empty scans in a row after which all are gone: a process may start another and exit while
    /// the list is read.
    const QUIET: u32 = 3;

    /// Stops and kills all processes with this mark in their environment until none is left.
    pub(super) fn end_marked(mark: &str) {
        let entry = format!("{MARK}={mark}");
        let deadline = Instant::now() + LONGEST;
        let mut quiet = 0;
        while quiet < QUIET && Instant::now() < deadline {
            let found = marked(entry.as_bytes());
            quiet = if found.is_empty() { quiet + 1 } else { 0 };
            for signal in [Signal::STOP, Signal::KILL] {
                for (_, descriptor) in &found {
                    let _ = pidfd_send_signal(descriptor, signal);
                }
            }
            sleep(SLICE);
        }
    }

    /// The living processes with an environment variable that starts with `entry`.
    fn marked(entry: &[u8]) -> Vec<(u32, rustix::fd::OwnedFd)> {
        let own = std::process::id();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes
            .filter_map(|process| process.file_name().to_str()?.parse::<u32>().ok())
            .filter(|process| *process != own)
            .filter_map(|process| {
                // Opened before the environment is read, so that both belong to the same process.
                let pid = Pid::from_raw(process.cast_signed())?;
                let descriptor = pidfd_open(pid, PidfdFlags::empty()).ok()?;
                let environment = fs::read(format!("/proc/{process}/environ")).ok()?;
                let mut variables = environment.split(|byte| *byte == 0);
                let marked = variables.any(|variable| variable.starts_with(entry));
                marked.then_some((process, descriptor))
            })
            .collect()
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    /// Other processes' environments cannot be read here.
    pub(super) fn end_marked(_: &str) {}
}
