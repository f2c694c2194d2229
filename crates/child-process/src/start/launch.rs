//! Spawning the process: through the standard library if possible, otherwise directly.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command as StdCommand;
use std::thread;
use std::time::Duration;

use nix::sys::signal::SigSet;
use rustix::io::Errno;

use crate::start::plan::Plan;
use crate::start::{posix_spawn, stopped_starts};
use crate::tree::adoption::mark::MARK_VARIABLE;

/// Spawns the process and returns its id.
pub(super) fn launch(plan: Plan<'_>) -> io::Result<u32> {
    // A child in the group of this program is continued together with this program.
    let _watched = (!plan.command.foreground).then(stopped_starts::watch);
    // If the mask cannot be read, assume that it is empty, which it nearly always is.
    let mask = SigSet::thread_get_mask().unwrap_or_else(|_| SigSet::empty());
    if mask.iter().next().is_some() || posix_spawn::uses_other_path(plan.command) {
        let spawned = retry_while_busy(|| posix_spawn::spawn(&plan))?;
        if let Some(id) = spawned {
            return Ok(id);
        }
        // The standard library can set the directory, but the child inherits the mask then.
    }
    let mut child = std_command(plan);
    // The process will be reaped through its pidfd, so the handle is dropped.
    retry_while_busy(|| Ok(child.spawn()?.id()))
}

fn std_command(plan: Plan<'_>) -> StdCommand {
    let command = plan.command;
    let mut child = StdCommand::new(&command.program);
    child.args(&command.args);
    if command.env_clear {
        child.env_clear();
    }
    for (name, value) in &command.env {
        match value {
            Some(value) => child.env(name, value),
            None => child.env_remove(name),
        };
    }
    if let Some(mark) = plan.mark {
        child.env(MARK_VARIABLE, mark);
    }
    if let Some(dir) = &command.dir {
        child.current_dir(dir);
    }
    if !command.foreground {
        child.process_group(0);
    }
    let [stdin, stdout, stderr] = plan.streams;
    child.stdin(stdin).stdout(stdout).stderr(stderr);
    child
}

/// Retries for up to a quarter of a second while the program's file is open for writing
/// (`ETXTBSY`).
///
/// If one thread writes a program and starts it while another thread spawns a child, that child
/// holds the file open between its `fork` and its `execve`. Nothing has run yet, so a retry is
/// harmless.
fn retry_while_busy<T>(mut spawn: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    const TRIES: u32 = 8;
    let busy = |error: &io::Error| error.raw_os_error() == Some(Errno::TXTBSY.raw_os_error());
    for attempt in 0..TRIES {
        match spawn() {
            Err(error) if busy(&error) => thread::sleep(Duration::from_millis(1 << attempt)),
            result => return result,
        }
    }
    spawn()
}
