//! The reader of recorded traces: a header, a line for each task, and a last line that shows that
//! nothing is missing. docs/recording.md describes the format.

use std::io::{BufRead, Read as _};

use serde::Deserialize;

use super::super::limits::{LONGEST_NS, MOST_RECORDED};
use super::super::replay::{Recorded, Replay};
use super::error::{DefinitionError, shorten};
use super::table::grouped;

/// The version that this reader knows.
const VERSION: u64 = 1;

/// The longest line, in bytes: a task takes about 130.
const LONGEST_LINE: u64 = 4096;

const AGAIN: &str = "record it again";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    job_trace: u64,
    clock: String,
    unit: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Task {
    start_ns: u64,
    end_ns: u64,
    cpu_ns: u64,
    queued_ns: u64,
    switches: u64,
    /// Only a future has it.
    pendings: Option<u64>,
    #[serde(rename = "thread")]
    _thread: u32,
    outcome: Outcome,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Done,
    Panicked,
    Cancelled,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Footer {
    tasks: u64,
    #[serde(default, rename = "unfinished")]
    _unfinished: u64,
    #[serde(default, rename = "nested")]
    _nested: u64,
    #[serde(default, rename = "over")]
    _over: u64,
    /// Absent in a trace that was made by hand.
    checksum: Option<String>,
}

/// Reads a trace that the crate `job-trace` has recorded. Errors name `place`.
///
/// # Errors
///
/// One line that says where the trace is wrong, how, and what to do: it is no trace, of a later
/// version, cut off, edited, too long, or without any task.
pub fn read_trace(reader: impl BufRead, place: &str) -> Result<Replay, DefinitionError> {
    let mut lines = Lines {
        reader,
        place,
        number: 0,
        checksum: 0,
        line: Vec::new(),
    };
    header(&mut lines)?;
    let (mut seen, mut tasks) = (0, Vec::new());
    while lines.next()? {
        // No task has this key.
        if lines.text()?.contains("\"tasks\"") {
            footer(&mut lines, seen)?;
            return Replay::new(tasks).ok_or_else(|| {
                let problem = "no task was recorded that ran";
                DefinitionError::whole_file(place, problem, "record some")
            });
        }
        if seen == MOST_RECORDED {
            let problem = format!("more than {} tasks", grouped(MOST_RECORDED));
            return Err(lines.error(1, problem, "record for a shorter time"));
        }
        seen += 1;
        tasks.extend(task(&lines)?);
        lines.add_to_checksum();
    }
    let problem = format!(
        "the trace ends after {} tasks without its last line, so more may be missing",
        grouped(seen)
    );
    let remedy = "call `Recorder::finish` before the program ends, and record it again";
    Err(DefinitionError::whole_file(place, problem, remedy))
}

fn header(lines: &mut Lines<'_, impl BufRead>) -> Result<(), DefinitionError> {
    let remedy = "record one as docs/recording.md shows";
    if !lines.next()? {
        return Err(DefinitionError::whole_file(
            lines.place,
            "the trace is empty",
            remedy,
        ));
    }
    let header: Header = match serde_json::from_slice(&lines.line) {
        Ok(header) => header,
        Err(_) => return Err(lines.error(1, "this is no recorded trace", remedy)),
    };
    if header.job_trace != VERSION {
        let problem = format!(
            "the version of the trace is {}, not {VERSION}",
            header.job_trace
        );
        let remedy = "record it with the crate job-trace of this checkout";
        return Err(lines.error(1, problem, remedy));
    }
    if (header.clock.as_str(), header.unit.as_str()) != ("monotonic", "ns") {
        let (clock, unit) = (shorten(&header.clock), shorten(&header.unit));
        let problem = format!("the clock of the trace is {clock:?} in {unit:?}");
        let remedy = "convert it to \"monotonic\" in \"ns\"";
        return Err(lines.error(1, problem, remedy));
    }
    lines.add_to_checksum();
    Ok(())
}

/// The recorded task; `None` for a future that was dropped before its first poll.
fn task(lines: &Lines<'_, impl BufRead>) -> Result<Option<Recorded>, DefinitionError> {
    let task: Task = lines.parse()?;
    let wall_ns = task.end_ns.checked_sub(task.start_ns).ok_or_else(|| {
        let problem = format!("the task ends at {} before it starts", task.end_ns);
        lines.error(1, problem, AGAIN)
    })?;
    if wall_ns > LONGEST_NS {
        let problem = "the task takes more than an hour";
        return Err(lines.error(1, problem, "record shorter tasks"));
    }
    let rest_ns = task
        .cpu_ns
        .checked_add(task.queued_ns)
        .and_then(|used_ns| wall_ns.checked_sub(used_ns))
        .ok_or_else(|| {
            let problem = format!(
                "a task of {wall_ns} ns has {} ns of CPU time and {} ns in a queue",
                task.cpu_ns, task.queued_ns
            );
            lines.error(1, problem, AGAIN)
        })?;
    if task.outcome == Outcome::Cancelled && wall_ns == 0 {
        return Ok(None);
    }
    // A task that never gave up its processor did not wait: it was preempted, for longer than the
    // kernel counts as being queued.
    let waits = task.switches.saturating_add(task.pendings.unwrap_or(0));
    let wait_ns = if waits > 0 { rest_ns } else { 0 };
    Ok(Some(Recorded {
        compute_ns: task.cpu_ns,
        wait_ns,
        waits: if wait_ns > 0 { waits } else { 0 },
    }))
}

fn footer(lines: &mut Lines<'_, impl BufRead>, seen: u64) -> Result<(), DefinitionError> {
    let footer: Footer = lines.parse()?;
    if footer.tasks != seen {
        let problem = format!(
            "the last line counts {} tasks, but {} are here",
            grouped(footer.tasks),
            grouped(seen)
        );
        return Err(lines.error(1, problem, AGAIN));
    }
    let found = format!("{:016x}", lines.checksum);
    if let Some(checksum) = footer.checksum
        && checksum != found
    {
        let problem = format!(
            "the checksum is {:?}, but that of the lines above is \"{found}\": the trace was edited",
            shorten(&checksum)
        );
        let remedy = "record it again, or remove `checksum` if the edit is meant";
        return Err(lines.error(1, problem, remedy));
    }
    if lines.next()? {
        return Err(lines.error(1, "a line after the last one", AGAIN));
    }
    Ok(())
}

/// The lines of a trace, and the checksum of those that count.
struct Lines<'a, R> {
    reader: R,
    place: &'a str,
    /// Of the line that was read last; counts from 1.
    number: usize,
    checksum: u64,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<'_, R> {
    /// Reads a line, without its end; `false` at the end of the trace.
    fn next(&mut self) -> Result<bool, DefinitionError> {
        self.line.clear();
        self.number += 1;
        let read = (&mut self.reader)
            .take(LONGEST_LINE + 1)
            .read_until(b'\n', &mut self.line);
        if let Err(error) = read {
            let problem = format!("cannot read it: {error}");
            return Err(self.error(1, problem, "give the path of a recorded trace"));
        }
        if self.line.len() as u64 > LONGEST_LINE {
            let problem = format!("a line of more than {LONGEST_LINE} bytes");
            return Err(self.error(1, problem, "give the path of a recorded trace"));
        }
        match self.line.pop() {
            None => Ok(false),
            Some(b'\n') => Ok(true),
            Some(_) => {
                let remedy = "call `Recorder::finish` before the program ends, and record it again";
                Err(self.error(1, "the trace ends in the middle of a line", remedy))
            }
        }
    }

    fn text(&self) -> Result<&str, DefinitionError> {
        std::str::from_utf8(&self.line).map_err(|_| self.error(1, "this is not UTF-8 text", AGAIN))
    }

    fn parse<T: for<'de> Deserialize<'de>>(&self) -> Result<T, DefinitionError> {
        serde_json::from_slice(&self.line).map_err(|error| {
            let text = error.to_string();
            let problem = text
                .rsplit_once(" at line ")
                .map_or(&*text, |(problem, _)| problem);
            self.error(error.column().max(1), problem, AGAIN)
        })
    }

    fn error(
        &self,
        column: usize,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> DefinitionError {
        DefinitionError::at(self.place, (self.number, column), problem, remedy)
    }

    fn add_to_checksum(&mut self) {
        self.checksum = self.checksum.wrapping_add(checksum(&self.line));
    }
}

/// FNV-1a over words of eight bytes, little-endian, of which the last one is filled up with zeros.
/// The checksum of a trace is the sum over its lines, since their order means nothing.
fn checksum(line: &[u8]) -> u64 {
    line.chunks(8)
        .fold(0xcbf2_9ce4_8422_2325, |checksum, chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            (checksum ^ u64::from_le_bytes(word)).wrapping_mul(0x0100_0000_01b3)
        })
}
