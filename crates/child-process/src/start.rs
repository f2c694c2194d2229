//! From settings to a running child.

use std::ffi::OsStr;
use std::io::{self, PipeReader, PipeWriter, pipe};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command as StdCommand, Stdio};
use std::sync::Arc;
use std::time::Instant;

use crate::Error;
use crate::command::{Command, Input, Output};
use crate::job::{Drain, Feed, Job};
use crate::tree::{Leader, Mark, VARIABLE};

/// Ends of pipes from and to neighbours, which go before what the command says.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    pub(crate) stdin: Option<PipeReader>,
    pub(crate) stdout: Option<PipeWriter>,
}

/// Starts a child.
pub(crate) fn start(command: &Command) -> Result<Job, Error> {
    start_between(command, Neighbours::default())
}

/// Starts a child in a pipeline.
pub(crate) fn start_between(command: &Command, neighbours: Neighbours) -> Result<Job, Error> {
    let started = Instant::now();
    try_start(command, neighbours, started).map_err(|error| Error::Start {
        command: command.line(),
        hint: hint(command, &error),
        error,
    })
}

fn try_start(command: &Command, neighbours: Neighbours, started: Instant) -> io::Result<Job> {
    let mut child = StdCommand::new(&command.program);
    child.args(&command.args);
    surroundings(command, &mut child)?;
    if !command.foreground {
        child.process_group(0);
    }
    let mark = Mark::for_a_child();
    if let Some(mark) = &mark {
        child.env(VARIABLE, mark.value());
    }

    let feed = stdin(command, neighbours.stdin, &mut child)?;
    let cap = command.cap.map(|(cap, _)| cap);
    let (stdout, merged) = stdout(command, neighbours.stdout, &mut child, cap)?;
    let stderr = match &command.stderr {
        Output::Capture => captured(cap, |writer| child.stderr(writer))?,
        Output::Inherit => silent(child.stderr(Stdio::inherit())),
        Output::Null => silent(child.stderr(Stdio::null())),
        Output::File(file) => silent(child.stderr(file.try_clone()?)),
        Output::Merge => silent(child.stderr(merged()?)),
    };

    let leader = Leader::take(child.spawn()?, !command.foreground, mark)?;
    // Only now are the child's ends of the pipes closed here: until then nobody would see the end of its output.
    drop(child);
    let mut job = Job::new(command.line(), leader, command.limits, started);
    (job.stdin, job.stdout, job.stderr) = (feed, stdout, stderr);
    job.cap = command.cap;
    // What fits into the pipe is there before the child looks.
    job.stdin.pump();
    Ok(job)
}

fn surroundings(command: &Command, child: &mut StdCommand) -> io::Result<()> {
    if command.env_clear {
        child.env_clear();
    }
    for (name, value) in &command.env {
        let name: &OsStr = name;
        if name.is_empty() || name.as_bytes().contains(&b'=') {
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
        return "take NUL bytes out of program, arguments, environment and folder";
    };
    match Errno::from_raw_os_error(raw) {
        Errno::NOENT | Errno::NOTDIR => match &command.dir {
            Some(dir) if !dir.is_dir() => "its folder does not exist: make it, or name another",
            _ => "install the program, or name it by its path",
        },
        Errno::ACCESS => "make the file executable, or name another",
        Errno::NOEXEC => {
            "it is neither a program for this machine nor a script with a first line that names one"
        }
        Errno::TOOBIG => "hand much data over by standard input or a file instead of arguments",
        Errno::MFILE | Errno::NFILE => "run fewer at once, or raise the limit of open files",
        Errno::AGAIN | Errno::NOMEM => "run fewer at once, or raise the limit of processes",
        Errno::NOSYS => "this needs Linux 5.4 or later",
        _ => "",
    }
}
