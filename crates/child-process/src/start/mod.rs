//! Starting a child: from a command to a monitor.

mod hint;
mod launch;
pub(crate) mod pipes;
mod plan;
mod posix_spawn;
mod stopped_starts;

use std::io;
use std::time::Instant;

use rustix::event::{EventfdFlags, eventfd};

use crate::command::{Command, Input, Output};
use crate::descriptor::above_standard;
use crate::error::Error;
use crate::monitor::input_writer::InputWriter;
use crate::monitor::output_reader::OutputReader;
use crate::monitor::state::Monitor;
use crate::start::hint::{hint, is_variable_name};
use crate::start::launch::launch;
use crate::start::pipes::{PipeEnds, captured, stdin, stdout};
use crate::start::plan::{Plan, Source};
use crate::tree::adoption::mark::Mark;
use crate::tree::adoption::new_mark;
use crate::tree::leader::Leader;

/// Starts a child without a handle to write to it, so its input is closed after its bytes.
pub(crate) fn start(command: &Command) -> Result<Monitor, Error> {
    start_between(command, PipeEnds::default())
}

/// Starts a stage of a pipeline.
pub(crate) fn start_between(command: &Command, ends: PipeEnds) -> Result<Monitor, Error> {
    let mut monitor = start_with(command, ends)?;
    monitor.stdin.finish();
    Ok(monitor)
}

/// Starts a child whose input stays open for writing.
pub(crate) fn start_open(command: &Command) -> Result<Monitor, Error> {
    start_with(command, PipeEnds::default())
}

fn start_with(command: &Command, ends: PipeEnds) -> Result<Monitor, Error> {
    let started = Instant::now();
    let spawned = spawn(command, ends).map_err(|error| Error::Start {
        command: command.line(),
        hint: hint(command, &error),
        error,
    })?;
    let leader = Leader::hold(spawned.id, !command.foreground, spawned.mark);
    // Not `Error::Start`: the child ran for a moment, so a retry could run it twice.
    let leader = leader.map_err(|error| Error::Watch {
        command: command.line(),
        error,
    })?;
    let mut monitor = Monitor::new(command.line(), leader, command.limits, started);
    (monitor.stdin, monitor.stdout, monitor.stderr) =
        (spawned.stdin, spawned.stdout, spawned.stderr);
    monitor.cap = command.cap;
    // Whatever fits into the pipe is there before the child reads.
    monitor.stdin.pump();
    Ok(monitor)
}

struct Spawned {
    id: u32,
    mark: Option<Mark>,
    stdin: InputWriter,
    stdout: OutputReader,
    stderr: OutputReader,
}

fn spawn(command: &Command, ends: PipeEnds) -> io::Result<Spawned> {
    if let Some((name, _)) = command.env.iter().find(|(name, _)| !is_variable_name(name)) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{name:?} is not a name for an environment variable"),
        ));
    }
    let mark = new_mark();
    let cap = command.cap.map(|(cap, _)| cap);
    let (from, stdin) = stdin(command, ends.stdin)?;
    let (to, stdout) = stdout(command, ends.stdout, cap)?;
    let (errors_to, stderr) = match &command.stderr {
        Output::Capture => captured(cap)?,
        Output::Inherit => (Source::Inherit, OutputReader::default()),
        Output::Null => (Source::Null, OutputReader::default()),
        Output::File(file) => (
            Source::Given(file.try_clone()?.into()),
            OutputReader::default(),
        ),
        Output::Merge => (to.for_stderr_too()?, OutputReader::default()),
    };
    let inherits_all = matches!(command.stdin, Input::Inherit)
        && matches!(command.stdout, Output::Inherit)
        && matches!(command.stderr, Output::Inherit);
    // Reserves the descriptor that will watch the child. A shortage must show before the child
    // runs, because a refused start can be retried later. Any pipe or file opened for the start and
    // closed after it serves as the reserve too.
    let reserve = inherits_all.then(|| eventfd(0, EventfdFlags::CLOEXEC));
    let reserve = reserve.transpose()?.map(above_standard).transpose()?;
    let plan = Plan {
        command,
        mark: mark.as_ref().map(Mark::value),
        streams: [from, to, errors_to],
    };
    // `launch` closes this program's copies of the child's pipe ends; otherwise the end of the
    // output would never be read.
    let id = launch(plan)?;
    drop(reserve);
    Ok(Spawned {
        id,
        mark,
        stdin,
        stdout,
        stderr,
    })
}
