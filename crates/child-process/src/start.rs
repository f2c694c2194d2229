//! From settings to a running child.

use std::ffi::OsStr;
use std::io::{self, PipeReader, PipeWriter, pipe};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command as StdCommand, Stdio};
use std::sync::Arc;
use std::time::Instant;

use rustix::event::{EventfdFlags, eventfd};

use crate::Error;
use crate::command::{Command, Input, Output};
use crate::job::{Drain, Feed, Job};
use crate::tree::{Leader, Mark, VARIABLE, mark_for_a_child};

/// Ends of pipes from and to neighbours, which go before what the command says.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    pub(crate) stdin: Option<PipeReader>,
    pub(crate) stdout: Option<PipeWriter>,
}

/// Starts a child to which nobody will write.
pub(crate) fn start(command: &Command) -> Result<Job, Error> {
    start_between(command, Neighbours::default())
}

/// Starts a child in a pipeline, to which nobody will write.
pub(crate) fn start_between(command: &Command, neighbours: Neighbours) -> Result<Job, Error> {
    let mut job = start_with(command, neighbours)?;
    job.stdin.finish();
    Ok(job)
}

/// Starts a child to which somebody may write.
pub(crate) fn start_open(command: &Command) -> Result<Job, Error> {
    start_with(command, Neighbours::default())
}

fn start_with(command: &Command, neighbours: Neighbours) -> Result<Job, Error> {
    let started = Instant::now();
    let spawned = spawn(command, neighbours).map_err(|error| Error::Start {
        command: command.line(),
        hint: hint(command, &error),
        error,
    })?;
    drop(spawned.room);
    let leader = Leader::take(spawned.child, !command.foreground, spawned.mark);
    // Another kind of error: it ran for a moment, so nobody should simply try again.
    let leader = leader.map_err(|error| Error::Watch {
        command: command.line(),
        error,
    })?;
    let mut job = Job::new(command.line(), leader, command.limits, started);
    (job.stdin, job.stdout, job.stderr) = (spawned.stdin, spawned.stdout, spawned.stderr);
    job.cap = command.cap;
    // What fits into the pipe is there before the child looks.
    job.stdin.pump();
    Ok(job)
}

struct Spawned {
    child: Child,
    /// Keeps a place free for the descriptor that it is watched by. If there is none, that is to be known before it runs:
    /// who is refused tries again later. Not needed where anything else is opened for the start and closed after it.
    room: Option<OwnedFd>,
    mark: Option<Mark>,
    stdin: Feed,
    stdout: Drain,
    stderr: Drain,
}

fn spawn(command: &Command, neighbours: Neighbours) -> io::Result<Spawned> {
    let mut child = StdCommand::new(&command.program);
    child.args(&command.args);
    surroundings(command, &mut child)?;
    if !command.foreground {
        child.process_group(0);
    }
    let mark = mark_for_a_child();
    if let Some(mark) = &mark {
        child.env(VARIABLE, mark.value());
    }

    let stdin = stdin(command, neighbours.stdin, &mut child)?;
    let cap = command.cap.map(|(cap, _)| cap);
    let (stdout, merged) = stdout(command, neighbours.stdout, &mut child, cap)?;
    let stderr = match &command.stderr {
        Output::Capture => captured(cap, |writer| child.stderr(writer))?,
        Output::Inherit => silent(child.stderr(Stdio::inherit())),
        Output::Null => silent(child.stderr(Stdio::null())),
        Output::File(file) => silent(child.stderr(file.try_clone()?)),
        Output::Merge => silent(child.stderr(merged()?)),
    };

    let inherits_all = matches!(command.stdin, Input::Inherit)
        && matches!(command.stdout, Output::Inherit)
        && matches!(command.stderr, Output::Inherit);
    let room = inherits_all.then(|| eventfd(0, EventfdFlags::CLOEXEC));
    let room = room.transpose()?;
    // Its ends of the pipes are closed here, with the settings: else nobody would see the end of its output.
    Ok(Spawned {
        child: child.spawn()?,
        room,
        mark,
        stdin,
        stdout,
        stderr,
    })
}

fn surroundings(command: &Command, child: &mut StdCommand) -> io::Result<()> {
    if command.env_clear {
        child.env_clear();
    }
    for (name, value) in &command.env {
        if !can_be_a_variable(name) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("a variable cannot be called {name:?}"),
            ));
        }
        match value {
            Some(value) => child.env(name, value),
            None => child.env_remove(name),
        };
    }
    if let Some(dir) = &command.dir {
        child.current_dir(dir);
    }
    Ok(())
}

fn can_be_a_variable(name: &OsStr) -> bool {
    !name.is_empty() && !name.as_bytes().contains(&b'=')
}

fn stdin(
    command: &Command,
    neighbour: Option<PipeReader>,
    child: &mut StdCommand,
) -> io::Result<Feed> {
    if let Some(reader) = neighbour {
        child.stdin(reader);
        return Ok(Feed::default());
    }
    let piped = |child: &mut StdCommand| -> io::Result<OwnedFd> {
        let (reader, writer) = pipe()?;
        rustix::io::ioctl_fionbio(&writer, true)?;
        child.stdin(reader);
        Ok(writer.into())
    };
    match &command.stdin {
        Input::Null => child.stdin(Stdio::null()),
        Input::Inherit => child.stdin(Stdio::inherit()),
        Input::File(file) => child.stdin(file.try_clone()?),
        Input::Bytes(bytes) => return Ok(Feed::of(piped(child)?, Arc::clone(bytes))),
        Input::Pipe => return Ok(Feed::open(piped(child)?)),
    };
    Ok(Feed::default())
}

/// How standard error gets to the same place as standard output.
type Same<'a> = Box<dyn FnOnce() -> io::Result<Stdio> + 'a>;

/// The drain of standard output, and how standard error gets to the same place.
fn stdout<'a>(
    command: &'a Command,
    neighbour: Option<PipeWriter>,
    child: &mut StdCommand,
    cap: Option<usize>,
) -> io::Result<(Drain, Same<'a>)> {
    if let Some(writer) = neighbour {
        let other = matches!(command.stderr, Output::Merge)
            .then(|| writer.try_clone())
            .transpose()?;
        child.stdout(writer);
        let merged = move || Ok(other.map_or_else(Stdio::null, Stdio::from));
        return Ok((Drain::default(), Box::new(merged)));
    }
    Ok(match &command.stdout {
        Output::Capture | Output::Merge => {
            let mut other = None;
            let merge = matches!(command.stderr, Output::Merge);
            let drain = captured_with(cap, |writer| {
                if merge {
                    other = Some(writer.try_clone()?);
                }
                child.stdout(writer);
                Ok(())
            })?;
            let merged = move || Ok(other.map_or_else(Stdio::null, Stdio::from));
            (drain, Box::new(merged))
        }
        Output::Inherit => {
            child.stdout(Stdio::inherit());
            let own = || Ok(Stdio::from(io::stdout().as_fd().try_clone_to_owned()?));
            (Drain::default(), Box::new(own))
        }
        Output::Null => {
            child.stdout(Stdio::null());
            (Drain::default(), Box::new(|| Ok(Stdio::null())))
        }
        Output::File(file) => {
            child.stdout(file.try_clone()?);
            let same = move || Ok(Stdio::from(file.try_clone()?));
            (Drain::default(), Box::new(same))
        }
    })
}

fn captured<'a>(
    cap: Option<usize>,
    give: impl FnOnce(PipeWriter) -> &'a mut StdCommand,
) -> io::Result<Drain> {
    captured_with(cap, |writer| {
        give(writer);
        Ok(())
    })
}

fn captured_with(
    cap: Option<usize>,
    give: impl FnOnce(PipeWriter) -> io::Result<()>,
) -> io::Result<Drain> {
    // Closed in every other program that is started meanwhile, by whomever.
    let (reader, writer) = pipe()?;
    rustix::io::ioctl_fionbio(&reader, true)?;
    give(writer)?;
    Ok(Drain::of(reader.into(), cap))
}

fn silent(_: &mut StdCommand) -> Drain {
    Drain::default()
}

/// What to do about it, where that is known.
fn hint(command: &Command, error: &io::Error) -> &'static str {
    use rustix::io::Errno;
    let Some(raw) = error.raw_os_error() else {
        return if command.env.iter().all(|(name, _)| can_be_a_variable(name)) {
            "take NUL bytes out of program, arguments, environment and folder"
        } else {
            "name it by at least one character, and none of them `=`"
        };
    };
    match Errno::from_raw_os_error(raw) {
        Errno::NOENT | Errno::NOTDIR => match &command.dir {
            Some(dir) if !dir.is_dir() => "its folder does not exist or is none: name another",
            dir if is_there(dir.as_deref(), &command.program) => {
                "the file is there, but not the interpreter that its first line names, or its loader: install that"
            }
            _ => "install the program, or name it by its path",
        },
        Errno::ACCESS => "make the file executable and its folder accessible, or name another",
        Errno::NOEXEC => {
            "it is neither a program for this machine nor a script with a first line that names one"
        }
        Errno::TXTBSY => "somebody is still writing the file: start it when that is done",
        Errno::TOOBIG => "hand much data over by standard input or a file instead of arguments",
        Errno::MFILE | Errno::NFILE => "run fewer at once, or raise the limit of open files",
        Errno::AGAIN | Errno::NOMEM => "run fewer at once, or raise the limit of processes",
        _ => "",
    }
}

/// Whether the program was named by a path, and something is there.
fn is_there(dir: Option<&Path>, program: &OsStr) -> bool {
    // The child looks from its own folder.
    let path = dir.unwrap_or(Path::new("")).join(program);
    program.as_bytes().contains(&b'/') && path.is_file()
}
