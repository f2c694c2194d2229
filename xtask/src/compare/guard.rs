//! The guardian: a process that outlives a comparison that was killed, and ends what that left behind.
//!
//! A contestant ends with its input, but its children may be in sessions of their own and know nothing of the comparison.
//! Nobody can catch SIGKILL, so a second process waits for the end of a pipe from the comparison. If the comparison ends in
//! good order it says so first. If not, the guardian ends every process that bears the mark of its contestants.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};

/// The argument that makes this program a guardian; the mark follows it.
const ROLE: &str = "--guard-of-a-comparison";

/// What a comparison says that ends in good order.
const FAREWELL: u8 = b'.';

/// A guardian that is on duty. Dropping it says that all is well.
#[derive(Debug)]
pub(super) struct Guardian {
    child: Child,
    line: Option<ChildStdin>,
}

impl Guardian {
    /// Starts one for the contestants with this mark.
    ///
    /// # Errors
    ///
    /// When no process can be started.
    pub(super) fn start(mark: &str) -> io::Result<Guardian> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([ROLE, mark])
            // Neither Ctrl-C nor whoever kills the comparison with its group ends it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let line = child.stdin.take();
        Ok(Guardian { child, line })
    }

    /// Its process.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        if let Some(mut line) = self.line.take() {
            let _ = line.write_all(&[FAREWELL]);
        }
        let _ = self.child.wait();
    }
}

/// Does the guardian's work if the arguments say so, and returns its exit status.
pub fn guard(args: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let args: Vec<OsString> = args.into_iter().collect();
    let [_, role, mark] = &args[..] else {
        return None;
    };
    if role != OsStr::new(ROLE) {
        return None;
    }
    let mut said = Vec::new();
    let _ = io::stdin().take(1).read_to_end(&mut said);
    if said != [FAREWELL]
        && let Some(mark) = mark.to_str()
    {
        imp::end_marked(mark);
    }
    Some(ExitCode::SUCCESS)
}

#[cfg(target_os = "linux")]
mod imp {
    use std::fs;
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

    use crate::compare::runner::MARK;

    /// How long to look for processes that start others faster than they are found.
    const LONGEST: Duration = Duration::from_secs(10);

    /// How often to look.
    const SLICE: Duration = Duration::from_millis(20);

    /// Looks without a finding after which all are gone: one process may start another and end while the list is read.
    const QUIET: u32 = 3;

    /// Stops and kills all processes with this mark in their environment, until there are none.
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

    /// The living processes with that entry at the beginning of a variable.
    fn marked(entry: &[u8]) -> Vec<(u32, rustix::fd::OwnedFd)> {
        let own = std::process::id();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes
            .filter_map(|process| process.file_name().to_str()?.parse::<u32>().ok())
            .filter(|process| *process != own)
            .filter_map(|process| {
                // The descriptor first: it never means another process than the one whose environment is read.
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
    /// Environments of others are out of reach here.
    pub(super) fn end_marked(_: &str) {}
}
