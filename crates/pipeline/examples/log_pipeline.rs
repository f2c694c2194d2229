//! A log pipeline with back-pressure: the lines of a log are parsed, stripped of e-mail addresses
//! and added up per service, each step on threads of its own, with a bound on the lines in memory.
//!
//! It shows stages, a failure as an output in place of its line (`keep_going`), and the counters of
//! a `Handle`: how many lines waited before each stage.
//!
//! `cargo run --release -p effective-pipeline --example log_pipeline -- [FILE [WORKERS [BUFFER]]]`
//!
//! A line is `TIME SERVICE MILLISECONDS MESSAGE`. `-` is standard input; without a file the program
//! makes 20,000 lines. Each stage has 2 workers, and room for 64 lines. The exit status is 1 if a
//! line was broken or could not be read, 2 if the arguments are wrong.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Write as _};
use std::mem;
use std::process::ExitCode;

use effective_pipeline::Pipeline;

const USAGE: &str = "usage: log_pipeline [FILE [WORKERS [BUFFER]]]";

const SAMPLE: &str = "1 mail 7 sent to ann@example.org\n2 shop 20 bought by bob@example.org\n";

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The log, the workers of each stage, and the room before it.
type Settings = (Box<dyn Read + Send>, usize, usize);

fn settings(arguments: &[OsString]) -> Result<Settings, String> {
    let number = |index: usize, default| match arguments.get(index) {
        None => Ok(default),
        Some(text) => {
            let number = text.to_str().and_then(|text| text.parse().ok());
            let number = number.filter(|number| (1..=1_000).contains(number));
            number.ok_or_else(|| format!("{text:?} is not a number from 1 to 1000"))
        }
    };
    let (workers, buffer) = (number(1, 2)?, number(2, 64)?);
    let log: Box<dyn Read + Send> = match arguments {
        [] => Box::new(Cursor::new(SAMPLE.repeat(10_000))),
        [_, _, _, surplus, ..] => return Err(format!("{surplus:?} is one argument too many")),
        [file, ..] if file == "-" => Box::new(io::stdin()),
        [file, ..] => Box::new(File::open(file).map_err(|error| format!("{file:?}: {error}"))?),
    };
    Ok((log, workers, buffer))
}

/// The lines of a log. An error of the file ends them; a line that is no text does not.
fn lines(log: impl Read + Send) -> impl Iterator<Item = io::Result<String>> + Send {
    let mut ended = false;
    BufReader::new(log).lines().take_while(move |line| {
        let ends = matches!(line, Err(error) if error.kind() != io::ErrorKind::InvalidData);
        !mem::replace(&mut ended, ends)
    })
}

struct Entry {
    service: String,
    took_ms: u64,
    message: String,
}

fn parse(line: io::Result<String>) -> Result<Entry, Failure> {
    let line = line?;
    let parts: Vec<&str> = line.splitn(4, ' ').collect();
    match parts[..] {
        [_, service, took_ms, message] => Ok(Entry {
            service: service.to_owned(),
            took_ms: took_ms.parse()?,
            message: message.to_owned(),
        }),
        _ => Err(format!("{} of 4 parts: {line:.60}", parts.len()).into()),
    }
}

/// Replaces the words that look like an e-mail address.
fn anonymise(mut entry: Entry) -> Entry {
    let hidden = |word| {
        if str::contains(word, '@') {
            "<address>"
        } else {
            word
        }
    };
    let words: Vec<&str> = entry.message.split(' ').map(hidden).collect();
    entry.message = words.join(" ");
    entry
}

/// Returns how many lines were broken.
fn summarise((log, workers, buffer): Settings) -> Result<u64, Failure> {
    let pipeline = Pipeline::new()
        .try_stage("parse", workers, parse)
        .stage("anonymise", workers, anonymise)
        .buffer(buffer)
        .keep_going();
    let handle = pipeline.handle();
    let (mut services, mut broken) = (BTreeMap::<String, (u64, u64, String)>::new(), 0);
    pipeline.for_each(lines(log), |result| match result {
        Ok(entry) => {
            let (count, slowest_ms, message) = services.entry(entry.service).or_default();
            *count += 1;
            if *count == 1 || entry.took_ms > *slowest_ms {
                (*slowest_ms, *message) = (entry.took_ms, entry.message);
            }
        }
        Err(error) => {
            broken += 1;
            eprintln!("log_pipeline: {error}");
        }
    })?;
    let mut out = io::stdout().lock();
    for (service, (count, slowest_ms, message)) in services {
        writeln!(
            out,
            "{service}: {count} lines, at most {slowest_ms} ms: {message}"
        )?;
    }
    for stage in handle.counts().stages {
        let (name, all, peak) = (stage.name, stage.received, stage.peak);
        writeln!(out, "{name}: at most {peak} of {all} lines waited")?;
    }
    Ok(broken)
}

pub(crate) fn run(arguments: &[OsString]) -> u8 {
    match settings(arguments).map(summarise) {
        Ok(Ok(broken)) => u8::from(broken > 0),
        Ok(Err(error)) => {
            eprintln!("log_pipeline: {error}");
            1
        }
        Err(problem) => {
            eprintln!("log_pipeline: {problem}; {USAGE}");
            2
        }
    }
}

fn main() -> ExitCode {
    run(&env::args_os().skip(1).collect::<Vec<_>>()).into()
}
