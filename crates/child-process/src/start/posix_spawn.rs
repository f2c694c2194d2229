//! Spawning through `posix_spawn`, for cases that the standard library does not cover.
//!
//! A child of the standard library inherits the signal mask of the calling thread. If that blocks
//! `SIGTERM`, the child cannot be asked to end. Unblocking the signals around the spawn would
//! deliver pending ones to this program.
//!
//! If a program is looked up in a `PATH` that was set for the child, the standard library also
//! forks instead of calling `posix_spawn`. That is slower, and it panics if other code in this
//! program reaps a child whose `execve` failed.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::thread;

use nix::sched::{CloneFlags, unshare};
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::Pid;
use rustix::io::Errno;

use crate::command::Command;
use crate::descriptor::above_standard;
use crate::start::plan::{Plan, Source};
use crate::tree::adoption::mark::MARK_VARIABLE;

/// Whether the program is looked up in a `PATH` other than this program's.
pub(super) fn uses_other_path(command: &Command) -> bool {
    let changed = command.env_clear || command.env.iter().any(|(name, _)| name == "PATH");
    changed && !command.program.as_bytes().contains(&b'/')
}

/// Spawns the process with an empty signal mask and returns its id. `None` if it needs a working
/// directory of its own and `unshare` is forbidden, as in some containers.
pub(super) fn spawn(plan: &Plan<'_>) -> io::Result<Option<u32>> {
    let Some(dir) = &plan.command.dir else {
        return spawn_here(plan).map(Some);
    };
    // This `posix_spawn` cannot set the directory, so a thread with a directory of its own calls
    // it.
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("child-process".to_owned());
        let spawner = thread.spawn_scoped(scope, || {
            if unshare(CloneFlags::CLONE_FS).is_err() {
                return Ok(None);
            }
            env::set_current_dir(dir)?;
            spawn_here(plan).map(Some)
        })?;
        spawner.join().unwrap_or_else(|_| Err(Errno::NOMEM.into()))
    })
}

fn spawn_here(plan: &Plan<'_>) -> io::Result<u32> {
    let environment = environment(plan);
    let path = environment.get(OsStr::new("PATH")).cloned();
    let environment: Vec<CString> = environment
        .into_iter()
        .map(|(name, value)| c_string([name.as_bytes(), b"=", value.as_bytes()].concat()))
        .collect::<io::Result<_>>()?;
    let command = plan.command;
    let mut args = vec![c_string(command.program.as_bytes().to_vec())?];
    for arg in &command.args {
        args.push(c_string(arg.as_bytes().to_vec())?);
    }

    let mut descriptors = Vec::new();
    let actions = file_actions(&plan.streams, &mut descriptors)?;
    let attributes = attributes(command)?;
    let mut refusal = Errno::NOENT.into();
    for program in candidates(&command.program, path.as_deref()) {
        let program = c_string(program.into_os_string().into_vec())?;
        match posix_spawn(&*program, &actions, &attributes, &args, &environment) {
            Ok(id) => return Ok(id.as_raw().cast_unsigned()),
            // Another directory of `PATH` may have a file that can be executed.
            Err(nix::Error::EACCES) => refusal = nix::Error::EACCES.into(),
            Err(nix::Error::ENOENT | nix::Error::ENOTDIR) if path.is_some() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(refusal)
}

fn c_string(bytes: Vec<u8>) -> io::Result<CString> {
    CString::new(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

fn environment(plan: &Plan<'_>) -> BTreeMap<OsString, OsString> {
    let mut variables = BTreeMap::new();
    if !plan.command.env_clear {
        variables.extend(env::vars_os());
    }
    for (name, value) in &plan.command.env {
        match value {
            Some(value) => variables.insert(name.clone(), value.clone()),
            None => variables.remove(name),
        };
    }
    if let Some(mark) = plan.mark {
        variables.insert(MARK_VARIABLE.into(), mark.into());
    }
    variables
}

/// The existing files with this name, in the order of `PATH`.
fn candidates(program: &OsStr, path: Option<&OsStr>) -> Vec<PathBuf> {
    if program.is_empty() || program.as_bytes().contains(&b'/') {
        return vec![program.into()];
    }
    let path = path.unwrap_or(OsStr::new("/bin:/usr/bin"));
    env::split_paths(path)
        // An empty entry is the working directory of the child.
        .map(|dir| Path::new(".").join(dir).join(program))
        .filter(|file| file.exists())
        .collect()
}

/// The actions that set up the streams. `descriptors` keeps the descriptors that they refer to
/// open.
fn file_actions(
    streams: &[Source; 3],
    descriptors: &mut Vec<OwnedFd>,
) -> io::Result<PosixSpawnFileActions> {
    let mut actions = PosixSpawnFileActions::init()?;
    for (number, source) in (0..).zip(streams) {
        let descriptor = match source {
            Source::Inherit => continue,
            Source::Null => {
                let null = File::options().read(true).write(true).open("/dev/null");
                null?.into()
            }
            Source::Given(descriptor) => descriptor.try_clone()?,
        };
        // A descriptor from 0 to 2 could be overwritten before it is copied.
        let descriptor = above_standard(descriptor)?;
        actions.add_dup2(descriptor.as_raw_fd(), number)?;
        descriptors.push(descriptor);
    }
    Ok(actions)
}

fn attributes(command: &Command) -> io::Result<PosixSpawnAttr> {
    let mut attributes = PosixSpawnAttr::init()?;
    let mut flags =
        PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF;
    attributes.set_sigmask(&SigSet::empty())?;
    // Rust programs ignore it, and children would inherit that.
    let mut reset = SigSet::empty();
    reset.add(Signal::SIGPIPE);
    attributes.set_sigdefault(&reset)?;
    if !command.foreground {
        flags |= PosixSpawnFlags::POSIX_SPAWN_SETPGROUP;
        attributes.set_pgroup(Pid::from_raw(0))?;
    }
    attributes.set_flags(flags)?;
    Ok(attributes)
}
