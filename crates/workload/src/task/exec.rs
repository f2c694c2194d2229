//! One program, from its input to its exit code, with a time limit.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A program to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exec {
    /// The program and its arguments; never run through a shell.
    pub command: Vec<String>,
    /// Its standard input.
    pub stdin: Vec<u8>,
    /// The time after which it is killed.
    pub timeout: Option<Duration>,
}

/// The result of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exited {
    /// Its exit code; minus the number of the signal that ended it; [`Exited::TIMED_OUT`].
    pub code: i32,
    /// Its standard output; empty if it timed out, since the partial output is random.
    pub stdout: Vec<u8>,
}

impl Exited {
    /// The code of a program that was killed at its time limit.
    pub const TIMED_OUT: i32 = i32::MIN;

    /// The result of a program that was killed at its time limit.
    pub fn timed_out() -> Exited {
        Exited {
            code: Exited::TIMED_OUT,
            stdout: Vec::new(),
        }
    }

    /// The result of a program that ended.
    pub fn from_status(status: std::process::ExitStatus, stdout: Vec<u8>) -> Exited {
        #[cfg(unix)]
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        #[cfg(not(unix))]
        let signal: Option<i32> = None;
        let code = status
            .code()
            .or(signal.map(|signal| -signal))
            .unwrap_or(i32::MIN + 1);
        Exited { code, stdout }
    }
}

impl Exec {
    /// The command without its input and output, in a process group of its own, so that its
    /// children can be killed with it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command
    }

    /// The input as a file positioned at its beginning. A program can read it at any time, so no
    /// thread has to write to a pipe, and nothing can deadlock.
    ///
    /// # Errors
    ///
    /// If there is no room for it.
    pub fn stdin_file(&self) -> io::Result<File> {
        let mut file = anonymous_file()?;
        file.write_all(&self.stdin)?;
        file.rewind()?;
        Ok(file)
    }

    pub(super) fn blocking(&self) -> io::Result<Exited> {
        let mut child = self
            .command()
            .stdin(self.stdin_file()?)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let deadline = self.timeout.map(|timeout| Instant::now() + timeout);
        let outcome = collect(&mut child, deadline).and_then(|stdout| match stdout {
            // It may close its output and continue.
            Some(stdout) if ended_by(&mut child, deadline)? => Ok(Some(stdout)),
            _ => Ok(None),
        });
        if !matches!(outcome, Ok(Some(_))) {
            kill_group(child.id());
        }
        let status = child.wait()?;
        Ok(match outcome? {
            Some(stdout) => Exited::from_status(status, stdout),
            None => Exited::timed_out(),
        })
    }
}

/// Waits for the end of the program; false if the deadline comes first. Most programs have ended
/// when their output has, so polling costs less than anything that needs a descriptor.
fn ended_by(child: &mut Child, deadline: Option<Instant>) -> io::Result<bool> {
    let Some(deadline) = deadline else {
        child.wait()?;
        return Ok(true);
    };
    let mut pause = Duration::from_micros(50);
    while child.try_wait()?.is_none() {
        if Instant::now() >= deadline {
            return Ok(false);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(5));
    }
    Ok(true)
}

/// Reads until the program closes its output; `None` if the deadline comes first.
fn collect(child: &mut Child, deadline: Option<Instant>) -> io::Result<Option<Vec<u8>>> {
    let mut pipe = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut stdout = Vec::new();
    let Some(deadline) = deadline else {
        pipe.read_to_end(&mut stdout)?;
        return Ok(Some(stdout));
    };
    let mut chunk = vec![0; 64 * 1024];
    loop {
        if !readable_before(&pipe, deadline)? {
            return Ok(None);
        }
        match pipe.read(&mut chunk)? {
            0 => return Ok(Some(stdout)),
            count => stdout.extend_from_slice(&chunk[..count]),
        }
    }
}

#[cfg(unix)]
fn readable_before(pipe: &std::process::ChildStdout, deadline: Instant) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).map_err(|_| io::ErrorKind::InvalidInput)?;
        match poll(&mut [PollFd::new(pipe, PollFlags::IN)], Some(&timeout)) {
            Ok(0) if left.is_zero() => return Ok(false),
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(not(unix))]
fn readable_before(_: &std::process::ChildStdout, _: Instant) -> io::Result<bool> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "a time limit for `exec` needs a Unix system",
    ))
}

/// Kills a program that was started by [`Exec::command`], by its process id, and its descendants in
/// its process group. Call it before waiting for the program: until then the id cannot be reused.
#[cfg(unix)]
pub fn kill_group(id: u32) {
    if let Some(group) = rustix::process::Pid::from_raw(id.cast_signed()) {
        // The group may be gone already.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

/// Does nothing on this system.
#[cfg(not(unix))]
pub fn kill_group(_: u32) {}

#[cfg(target_os = "linux")]
fn anonymous_file() -> io::Result<File> {
    Ok(File::from(rustix::fs::memfd_create(
        "stdin",
        rustix::fs::MemfdFlags::CLOEXEC,
    )?))
}

#[cfg(not(target_os = "linux"))]
fn anonymous_file() -> io::Result<File> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = format!(
        "workload-stdin-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    let path = std::env::temp_dir().join(name);
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)?;
    std::fs::remove_file(path)?;
    Ok(file)
}
