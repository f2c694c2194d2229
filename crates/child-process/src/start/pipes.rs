//! The standard streams of a child, and this program's ends of them.

use std::io::{self, PipeReader, PipeWriter, pipe};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::plan::Source;
use crate::command::{Command, Input, Output};
use crate::descriptor::above_standard;
use crate::job::{Drain, Feed};

/// Ends of pipes from and to neighbours, which take precedence over the command's settings.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    pub(crate) stdin: Option<PipeReader>,
    pub(crate) stdout: Option<PipeWriter>,
}

pub(super) fn stdin(
    command: &Command,
    neighbour: Option<PipeReader>,
) -> io::Result<(Source, Feed)> {
    if let Some(reader) = neighbour {
        return Ok((Source::Given(reader.into()), Feed::default()));
    }
    let piped = || -> io::Result<(Source, OwnedFd)> {
        let (reader, writer) = pipe()?;
        let writer = above_standard(writer.into())?;
        rustix::io::ioctl_fionbio(&writer, true)?;
        Ok((Source::Given(reader.into()), writer))
    };
    Ok(match &command.stdin {
        Input::Null => (Source::Null, Feed::default()),
        Input::Inherit => (Source::Inherit, Feed::default()),
        Input::File(file) => (Source::Given(file.try_clone()?.into()), Feed::default()),
        Input::Bytes(bytes) => {
            let (source, writer) = piped()?;
            (source, Feed::of(writer, Arc::clone(bytes)))
        }
        Input::Pipe => {
            let (source, writer) = piped()?;
            (source, Feed::open(writer))
        }
    })
}

pub(super) fn stdout(
    command: &Command,
    neighbour: Option<PipeWriter>,
    cap: Option<usize>,
) -> io::Result<(Source, Drain)> {
    if let Some(writer) = neighbour {
        return Ok((Source::Given(writer.into()), Drain::default()));
    }
    Ok(match &command.stdout {
        Output::Capture | Output::Merge => return captured(cap),
        Output::Inherit => (Source::Inherit, Drain::default()),
        Output::Null => (Source::Null, Drain::default()),
        Output::File(file) => (Source::Given(file.try_clone()?.into()), Drain::default()),
    })
}

/// A pipe for an output, of which at most `cap` bytes are kept.
pub(super) fn captured(cap: Option<usize>) -> io::Result<(Source, Drain)> {
    // Closed on exec, so no other program that is started meanwhile inherits it.
    let (reader, writer) = pipe()?;
    let reader = above_standard(reader.into())?;
    rustix::io::ioctl_fionbio(&reader, true)?;
    Ok((Source::Given(writer.into()), Drain::of(reader, cap)))
}
