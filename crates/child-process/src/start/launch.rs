//! Spawning the process: by the standard library where it can do it, else directly.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command as StdCommand;
use std::thread;
use std::time::Duration;

use nix::sys::signal::SigSet;
use rustix::io::Errno;

use super::plan::Plan;
use super::{direct, stuck};
use crate::tree::VARIABLE;

/// Spawns the process and returns its number.
pub(super) fn launch(plan: Plan<'_>) -> io::Result<u32> {
    // A child in the group of this program goes on when this program does.
    let _watched = (!plan.command.foreground).then(stuck::watch);
    // A mask that cannot be read is taken for an empty one, which it nearly always is.
    let mask = SigSet::thread_get_mask().unwrap_or_else(|_| SigSet::empty());
    if mask.iter().next().is_some() || direct::looks_elsewhere(plan.command) {
        let spawned = while_busy(|| direct::spawn(&plan))?;
        if let Some(id) = spawned {
            return Ok(id);
        }
        // The standard library needs no such thread. The mask is inherited then.
    }
    let mut child = standard(plan);
    // The process is reaped through its descriptor.
    while_busy(|| Ok(child.spawn()?.id()))
}

fn standard(plan: Plan<'_>) -> StdCommand {
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
        child.env(VARIABLE, mark);
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

/// Tries again for up to a quarter of a second if the program's file is open for writing.
///
/// When one thread writes a program and starts it while another thread starts anything, the other
/// child holds the file open between its `fork` and its `execve`. Nothing has run yet, so another
/// try is harmless.
fn while_busy<T>(mut spawn: impl FnMut() -> io::Result<T>) -> io::Result<T> {
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
