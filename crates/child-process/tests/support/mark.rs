//! A mark in the environment that identifies the processes of a tree.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use effective_child_process::Command;

use super::{all_processes, eventually, state_and_parent};

const VARIABLE: &str = "CHILD_PROCESS_TEST";

/// The value of an environment variable that a command and its descendants have.
pub(crate) struct Mark(String);

impl Mark {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(format!("{}-{number}", std::process::id()))
    }

    pub(crate) fn on(&self, command: Command) -> Command {
        command.env(VARIABLE, &self.0)
    }

    /// The living processes with this mark. A zombie has no environment.
    pub(crate) fn living(&self) -> Vec<u32> {
        let entry = format!("{VARIABLE}={}", self.0);
        all_processes()
            .filter(|id| {
                environment(*id)
                    .split(|byte| *byte == 0)
                    .any(|variable| variable == entry.as_bytes())
            })
            .collect()
    }

    /// Waits until `count` processes have this mark.
    #[track_caller]
    pub(crate) fn wait_for(&self, count: usize) {
        eventually(&format!("{count} processes"), || {
            self.living().len() == count
        });
    }

    /// Kills the processes that a test has left running on purpose.
    pub(crate) fn kill_all(&self) {
        for id in self.living() {
            let _ = Command::new("kill").args(["-KILL", &id.to_string()]).run();
        }
        self.wait_for(0);
    }
}

/// The environment of a process; empty for a zombie and for a kernel thread.
///
/// In the middle of an `execve` a living process has no environment for a moment, so this waits.
fn environment(id: u32) -> Vec<u8> {
    let patience = Instant::now() + Duration::from_secs(5);
    loop {
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        if !environment.is_empty() || !is_in_execve(id) || Instant::now() > patience {
            return environment;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Whether a process has no arguments either, and is neither dead nor a kernel thread.
fn is_in_execve(id: u32) -> bool {
    let arguments = fs::read(format!("/proc/{id}/cmdline"));
    // Kernel threads are children of thread 2, which has no parent.
    arguments.is_ok_and(|arguments| arguments.is_empty())
        && state_and_parent(id)
            .is_some_and(|(state, parent)| !matches!(state, 'Z' | 'X') && !matches!(parent, 0 | 2))
}
