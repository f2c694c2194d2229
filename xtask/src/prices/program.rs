//! The measuring program: built, run, and its lines read.

use std::io::{BufRead, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use rustix::process::{Pid, Signal, kill_process};
use workload::tree;

use super::judge::KNOWN;
use super::line::Line;
use crate::cargo;
use crate::compare::interrupt::Interrupt;
use crate::compare::programs::unless_interrupted;
use crate::compare::progress::print_err;
use crate::error::Error;
use crate::rustflags;

const PACKAGE: &str = "workload-prices";
const PROGRAM: &str = "prices";

/// The limit on what the program prints: an hour of it is less.
const MOST_BYTES: u64 = 1 << 30;

/// Lines between the reader and the judge.
const AHEAD: usize = 1024;

/// How much longer than it was told to measure the program may take before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often the progress is shown.
const TICK: Duration = Duration::from_millis(200);

/// The built program.
pub(super) struct Program<'i> {
    path: PathBuf,
    interrupt: &'i Interrupt,
}

impl<'i> Program<'i> {
    /// Builds the program.
    ///
    /// # Errors
    ///
    /// If it does not build, and [`Error::Interrupted`].
    pub(super) fn build(interrupt: &'i Interrupt) -> Result<Program<'i>, Error> {
        print_err("building the program that measures\n");
        let flags = std::env::current_dir().ok();
        let flags = flags.and_then(|folder| rustflags::of_runners(&folder));
        let built =
            unless_interrupted(interrupt, || cargo::build_runner(PACKAGE, flags.as_deref()))?;
        let missing = || Error::Failed(format!("cargo built no program `{PROGRAM}`"));
        let path = built.get(PROGRAM).cloned().ok_or_else(missing)?;
        Ok(Program { path, interrupt })
    }

    /// The hot and the cold price of everything.
    ///
    /// # Errors
    ///
    /// If the program fails, and [`Error::Interrupted`].
    pub(super) fn times(&self, time: Duration) -> Result<Vec<Line>, Error> {
        let args = ["times".to_owned(), seconds(time)];
        self.run(&args, time, "hot and cold prices")
    }

    /// The memory of everything, each found by a process of its own.
    ///
    /// # Errors
    ///
    /// As [`times`](Self::times).
    pub(super) fn memory(&self) -> Result<Vec<Line>, Error> {
        let mut lines = Vec::new();
        for known in &KNOWN {
            let args = ["memory".to_owned(), known.name.to_owned()];
            lines.extend(self.run(&args, Duration::ZERO, "memory")?);
        }
        Ok(lines)
    }

    /// Tasks of these sizes, by name.
    ///
    /// # Errors
    ///
    /// As [`times`](Self::times).
    pub(super) fn trials(
        &self,
        time: Duration,
        sizes: &[(String, u64)],
    ) -> Result<Vec<Line>, Error> {
        if sizes.is_empty() {
            return Ok(Vec::new());
        }
        let sizes = sizes.iter().map(|(name, size)| format!("{name}={size}"));
        let args: Vec<String> = ["trials".to_owned(), seconds(time)]
            .into_iter()
            .chain(sizes)
            .collect();
        self.run(&args, time, "sizes from which it pays")
    }

    fn run(&self, args: &[String], time: Duration, what: &'static str) -> Result<Vec<Line>, Error> {
        unless_interrupted(self.interrupt, || {
            let mut command = Command::new(&self.path);
            command
                .args(args)
                .stdin(Stdio::null())
                .stdout(Stdio::piped());
            let mut child = command.spawn().map_err(|error| {
                Error::Failed(format!(
                    "{}: cannot be started: {error}",
                    self.path.display()
                ))
            })?;
            let lines = read(&mut child, time, what);
            if lines.is_err() {
                end(&mut child);
            }
            let status = child
                .wait()
                .map_err(|error| Error::io("waiting for the program that measures", &error))?;
            let lines = lines?;
            if !status.success() {
                return Err(Error::Failed(format!(
                    "the program that measures failed ({status}) at `{PROGRAM} {}`",
                    args.join(" ")
                )));
            }
            Ok(lines)
        })
    }
}

/// Kills the program and all processes below it. A stopped program starts no others meanwhile.
fn end(program: &mut Child) {
    let pid = |id: u32| Pid::from_raw(id.cast_signed());
    // All of them may have ended by themselves.
    if let Some(program) = pid(program.id()) {
        let _ = kill_process(program, Signal::STOP);
    }
    for process in tree::descendants(program.id()).into_iter().filter_map(pid) {
        let _ = kill_process(process, Signal::KILL);
    }
    let _ = program.kill();
}

fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

/// Reads the lines to their end, with a bar on a terminal and a line elsewhere.
fn read(child: &mut Child, time: Duration, what: &'static str) -> Result<Vec<Line>, Error> {
    let Some(output) = child.stdout.take() else {
        return Err(Error::Failed("the program has no output".to_owned()));
    };
    let (sender, receiver) = sync_channel(AHEAD);
    // A thread of its own, since reading a pipe has no time limit.
    let reader = thread::spawn(move || {
        for line in BufReader::new(output.take(MOST_BYTES)).split(b'\n') {
            let line = line.map_err(|error| error.to_string());
            let line = line.and_then(|line| {
                serde_json::from_slice::<Line>(&line).map_err(|error| error.to_string())
            });
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let lines = receive(&receiver, time, what);
    if lines.is_ok() {
        // It sent all and is about to end.
        let _ = reader.join();
    }
    lines
}

fn receive(
    lines: &Receiver<Result<Line, String>>,
    time: Duration,
    what: &'static str,
) -> Result<Vec<Line>, Error> {
    let bar = bar(time, what);
    let begin = Instant::now();
    let mut found = Vec::new();
    loop {
        match lines.recv_timeout(TICK) {
            Ok(Ok(line)) => found.push(line),
            Ok(Err(why)) => {
                bar.finish_and_clear();
                return Err(Error::Failed(format!(
                    "the program that measures printed something else than prices: {why}"
                )));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                bar.finish_and_clear();
                return Ok(found);
            }
        }
        if begin.elapsed() > time + PATIENCE {
            bar.finish_and_clear();
            return Err(Error::Failed(format!(
                "the program that measures hung: no end after {:.0} s",
                begin.elapsed().as_secs_f64()
            )));
        }
        let part = begin.elapsed().as_secs_f64() / time.as_secs_f64().max(1e-3);
        bar.set_position((part.min(1.0) * 1000.0) as u64);
    }
}

fn bar(time: Duration, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(1000);
    if let Ok(style) = ProgressStyle::with_template("{bar:20} {elapsed:>4} {wide_msg}") {
        bar.set_style(style);
    }
    bar.set_message(what);
    if bar.is_hidden() && !time.is_zero() {
        print_err(&format!("{what}: about {:.0} s\n", time.as_secs_f64()));
    }
    bar
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn processes_below_the_program_end_with_it() {
        let mut program = Command::new("sh");
        let program = program.args(["-c", "sleep 300 & sleep 300 & wait"]);
        let mut program = program.spawn().expect("a shell");
        let below = || tree::descendants(program.id());
        let deadline = Instant::now() + Duration::from_secs(60);
        while below().len() < 2 && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
        let below = below();
        assert_eq!(below.len(), 2, "{below:?}");
        end(&mut program);
        program.wait().expect("it was killed");
        // Gone, or a zombie until whoever adopted it reaps it.
        let lives = |id: &u32| tree::stat_fields(*id).is_some_and(|fields| !fields.contains('Z'));
        while below.iter().any(lives) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
        assert!(!below.iter().any(lives), "{below:?}");
    }
}
