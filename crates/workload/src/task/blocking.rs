//! A task on the calling thread, which blocks for every wait.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::exec::Exec;
use super::failure::{Failure, Output};
use super::fetch::Fetch;
use super::log::{LOOK, Lines, Log};
use super::progress::{Carried, Progress};
use super::spare::read_spare;
use super::surroundings::{Surroundings, file_path, no_origin};
use crate::inputs::types::{Step, Task};

/// Does all steps of a task.
///
/// `tasks` is the number of tasks; `snapshot` is empty except with the pattern `rounds`.
///
/// # Errors
///
/// If a file, the server or a program is unavailable.
///
/// # Panics
///
/// If a kernel panics.
pub fn run_blocking(
    task: &Task,
    tasks: usize,
    snapshot: &[u64],
    surroundings: &Surroundings,
) -> Output {
    blocking_into(task, tasks, snapshot, surroundings, None)
}

/// [`run_blocking`]; the lines of its log go to `lines`.
pub(crate) fn blocking_into(
    task: &Task,
    tasks: usize,
    snapshot: &[u64],
    surroundings: &Surroundings,
    lines: Option<&dyn Lines>,
) -> Output {
    let mut progress = Progress::start(task, tasks, snapshot);
    progress.lines = lines;
    for step in &task.steps {
        do_step(&mut progress, step, surroundings)?;
    }
    Ok(progress.value)
}

/// The state of a task before its first stage. Arguments as with [`run_blocking`].
pub fn begin(task: &Task, tasks: usize, snapshot: &[u64]) -> Carried {
    Progress::start(task, tasks, snapshot).into_carried()
}

/// Does the steps of one stage of a task: those whose number is `stage`. After all its stages, in
/// increasing order, the task has the same value as with [`run_blocking`].
///
/// # Errors, panics
///
/// As with [`run_blocking`].
pub fn run_stage(
    task: &Task,
    tasks: usize,
    snapshot: &[u64],
    surroundings: &Surroundings,
    stage: usize,
    carried: Carried,
) -> Result<Carried, Failure> {
    let mut progress = Progress::start(task, tasks, snapshot);
    progress.resume(carried);
    for (step, at) in task.steps.iter().zip(&task.stages) {
        if *at == stage {
            do_step(&mut progress, step, surroundings)?;
        }
    }
    Ok(progress.into_carried())
}

fn do_step(
    progress: &mut Progress<'_>,
    step: &Step,
    surroundings: &Surroundings,
) -> Result<(), Failure> {
    if progress.step_in_place(step) {
        return Ok(());
    }
    match step {
        Step::Wait { ns } => {
            thread::sleep(Duration::from_nanos(*ns));
            progress.yielded = None;
        }
        Step::Fetch { bytes, delay_ns } => {
            let origin = surroundings.origin.ok_or_else(no_origin)?;
            let fetch = Fetch {
                bytes: *bytes,
                delay_ns: *delay_ns,
                seed: progress.value,
            };
            let body = fetch
                .blocking(origin)
                .map_err(|error| Failure::new(format_args!("fetch: {error}")))?;
            progress.got(body);
        }
        Step::Read { file, bytes } => {
            let path = file_path(surroundings, file);
            let failed = |error: &dyn std::fmt::Display| {
                Failure::new(format_args!("read {}: {error}", path.display()))
            };
            let length = usize::try_from(*bytes).map_err(|error| failed(&error))?;
            progress.got(read_head(&path, length).map_err(|error| failed(&error))?);
        }
        Step::Tail { bytes, over_ns } => {
            let log = Log {
                bytes: *bytes,
                over_ns: *over_ns,
                seed: progress.value,
            };
            let failed =
                |error: &dyn std::fmt::Display| Failure::new(format_args!("tail: {error}"));
            let origin = surroundings.origin.ok_or_else(no_origin)?;
            let mut tail = log
                .blocking(origin, &surroundings.logs)
                .map_err(|error| failed(&error))?;
            loop {
                tail = tail.look().map_err(|error| failed(&error))?;
                progress.saw(&tail);
                if tail.ended() {
                    break;
                }
                thread::sleep(LOOK);
            }
            progress.got(tail.into_data());
        }
        Step::Exec {
            command,
            timeout_ns,
        } => {
            let exec = Exec {
                command: command.clone(),
                stdin: progress.stdin(),
                timeout: timeout_ns.map(Duration::from_nanos),
            };
            let exited = exec
                .blocking()
                .map_err(|error| Failure::new(format_args!("exec {}: {error}", command[0])))?;
            progress.exited(exited);
        }
        Step::Job {} => {
            let output = surroundings.job.needed()?.run(progress.index())?;
            progress.called(output);
        }
        Step::Compute { .. } | Step::Kernel(_) => unreachable!("done in place"),
    }
    Ok(())
}

/// Reads exactly `bytes` bytes from the beginning of a file, on the calling thread. An async runner
/// whose runtime reads files on threads calls this on one of those.
///
/// # Errors
///
/// If the file cannot be opened or read, is shorter than `bytes`, or there is not enough memory.
pub fn read_head(path: &Path, bytes: usize) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let mut data = Vec::new();
    data.try_reserve_exact(bytes)
        .map_err(|_| ErrorKind::OutOfMemory)?;
    while data.len() < bytes {
        match read_spare(&file, &mut data) {
            Ok(0) => {
                let found = data.len();
                return Err(io::Error::new(
                    ErrorKind::UnexpectedEof,
                    format!("it has only {found} of {bytes} bytes"),
                ));
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    // The vector may have a little more capacity than was reserved.
    data.truncate(bytes);
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_is_read_to_the_requested_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let content: Vec<u8> = (0..100_000_u32).map(|i| i as u8).collect();
        std::fs::write(&path, &content).unwrap();
        for bytes in [0, 1, 4096, 99_999, 100_000] {
            assert_eq!(read_head(&path, bytes).unwrap(), content[..bytes]);
        }
        let error = read_head(&path, 100_001).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        assert!(
            error.to_string().contains("only 100000 of 100001"),
            "{error}"
        );
    }

    /// A buffer that is first filled with zeros becomes resident as a whole.
    #[cfg(target_os = "linux")]
    #[test]
    fn buffer_is_not_written_before_the_file_is_read() {
        const BYTES: usize = 1 << 30;
        let peak = || crate::tree::status_bytes(std::process::id(), "VmHWM").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("short");
        std::fs::write(&path, "short").unwrap();
        let before = peak();
        let error = read_head(&path, BYTES).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        let grown = peak() - before;
        assert!(grown < BYTES as u64 / 2, "{grown} bytes became resident");
    }
}
