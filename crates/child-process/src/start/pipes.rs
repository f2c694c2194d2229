//! The standard streams of a child, and this program's ends of their pipes.

use std::io::{self, PipeReader, PipeWriter, pipe};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::command::{Command, Input, Output};
use crate::descriptor::above_standard;
use crate::monitor::input_writer::InputWriter;
use crate::monitor::output_reader::OutputReader;
use crate::start::plan::Source;

/// Ends of the pipes to neighbouring stages, which take precedence over the command's settings.
#[derive(Debug, Default)]
pub(crate) struct PipeEnds {
    pub(crate) stdin: Option<PipeReader>,
    pub(crate) stdout: Option<PipeWriter>,
}

pub(super) fn stdin(
    command: &Command,
    previous_stage: Option<PipeReader>,
) -> io::Result<(Source, InputWriter)> {
    if let Some(reader) = previous_stage {
        return Ok((Source::Given(reader.into()), InputWriter::default()));
    }
    let piped = || -> io::Result<(Source, OwnedFd)> {
        let (reader, writer) = pipe()?;
        let writer = above_standard(writer.into())?;
        rustix::io::ioctl_fionbio(&writer, true)?;
        Ok((Source::Given(reader.into()), writer))
    };
    Ok(match &command.stdin {
        Input::Null => (Source::Null, InputWriter::default()),
        Input::Inherit => (Source::Inherit, InputWriter::default()),
        Input::File(file) => (
            Source::Given(file.try_clone()?.into()),
            InputWriter::default(),
        ),
        Input::Bytes(bytes) => {
            let (source, writer) = piped()?;
            (source, InputWriter::with_bytes(writer, Arc::clone(bytes)))
        }
        Input::Pipe => {
            let (source, writer) = piped()?;
            (source, InputWriter::open(writer))
        }
    })
}

pub(super) fn stdout(
    command: &Command,
    next_stage: Option<PipeWriter>,
    cap: Option<usize>,
) -> io::Result<(Source, OutputReader)> {
    if let Some(writer) = next_stage {
        return Ok((Source::Given(writer.into()), OutputReader::default()));
    }
    Ok(match &command.stdout {
        Output::Capture | Output::Merge => return captured(cap),
        Output::Inherit => (Source::Inherit, OutputReader::default()),
        Output::Null => (Source::Null, OutputReader::default()),
        Output::File(file) => (
            Source::Given(file.try_clone()?.into()),
            OutputReader::default(),
        ),
    })
}

/// A pipe for an output stream, and a reader that keeps at most `cap` bytes of it.
pub(super) fn captured(cap: Option<usize>) -> io::Result<(Source, OutputReader)> {
    // Close-on-exec, so no other program that is started meanwhile inherits it.
    let (reader, writer) = pipe()?;
    let reader = above_standard(reader.into())?;
    rustix::io::ioctl_fionbio(&reader, true)?;
    Ok((Source::Given(writer.into()), OutputReader::new(reader, cap)))
}
