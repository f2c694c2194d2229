//! From settings to a running child.

mod direct;
mod hint;
mod launch;
mod pipes;
mod plan;
mod stuck;

use std::io;
use std::time::Instant;

use crate::Error;
use crate::command::{Command, Input, Output};
use crate::descriptor::above_standard;
use crate::job::{Drain, Feed, Job};
use crate::tree::{Leader, Mark, mark_for_a_child};
use hint::{can_be_a_variable, hint};
use launch::launch;
pub(crate) use pipes::Neighbours;
use pipes::{captured, stdin, stdout};
use plan::{Plan, Source};

use rustix::event::{EventfdFlags, eventfd};

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
    let leader = Leader::hold(spawned.id, !command.foreground, spawned.mark);
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
    id: u32,
    mark: Option<Mark>,
    stdin: Feed,
    stdout: Drain,
    stderr: Drain,
}

fn spawn(command: &Command, neighbours: Neighbours) -> io::Result<Spawned> {
    if let Some((name, _)) = command
        .env
        .iter()
        .find(|(name, _)| !can_be_a_variable(name))
    {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("a variable cannot be called {name:?}"),
        ));
    }
    let mark = mark_for_a_child();
    let cap = command.cap.map(|(cap, _)| cap);
    let (from, stdin) = stdin(command, neighbours.stdin)?;
    let (to, stdout) = stdout(command, neighbours.stdout, cap)?;
    let (errors_to, stderr) = match &command.stderr {
        Output::Capture => captured(cap)?,
        Output::Inherit => (Source::Inherit, Drain::default()),
        Output::Null => (Source::Null, Drain::default()),
        Output::File(file) => (Source::Given(file.try_clone()?.into()), Drain::default()),
        Output::Merge => (to.for_stderr_too()?, Drain::default()),
    };
    let inherits_all = matches!(command.stdin, Input::Inherit)
        && matches!(command.stdout, Output::Inherit)
        && matches!(command.stderr, Output::Inherit);
    // Keeps a place free for the descriptor that the child is watched by. If there is none, that
    // has to be known before the child runs: a refused start can be tried again later. If anything
    // else is opened for the start and closed after it, that keeps the place.
    let room = inherits_all.then(|| eventfd(0, EventfdFlags::CLOEXEC));
    let room = room.transpose()?.map(above_standard).transpose()?;
    let plan = Plan {
        command,
        mark: mark.as_ref().map(Mark::value),
        streams: [from, to, errors_to],
    };
    // The child's ends of the pipes are closed here, with the plan: otherwise the end of its output
    // would never be seen.
    let id = launch(plan)?;
    drop(room);
    Ok(Spawned {
        id,
        mark,
        stdin,
        stdout,
        stderr,
    })
}
