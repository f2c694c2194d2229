//! A runner process, and the conversation with it.

use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use workload::protocol::{Reply, Request};

use super::ending::{Adopted, MARK, Mark, adopted_from, end_tree, ours};
use super::fault::Fault;
use super::pipes::{Lines, Tail};
use crate::compare::interrupt::Interrupt;

/// How long a runner that was told to quit may take before it is killed.
const FAREWELL: Duration = Duration::from_millis(500);

/// How long the end of a process may come after the end of its output, and the other way round, for
/// the two to count as one event.
const GRACE: Duration = Duration::from_millis(200);

/// How often to look at a runner that is watched.
const EVERY: Duration = Duration::from_micros(500);

/// How often to look for the end of a process where it has no descriptor to wait on.
#[cfg(not(target_os = "linux"))]
const SLICE: Duration = Duration::from_millis(20);

/// A running contestant. Dropping it ends it and all its descendants.
#[derive(Debug)]
pub(crate) struct Runner<'i> {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    stderr: Option<ChildStderr>,
    /// Readable when the process has ended; its output may then still be held open by a descendant.
    exit: Option<OwnedFd>,
    lines: Lines,
    tail: Tail,
    mark: Mark,
    ended: bool,
    interrupt: &'i Interrupt,
}

/// How to wait for an answer.
pub(crate) struct Asking<'w> {
    /// How long.
    pub(crate) patience: Duration,
    /// The action to repeat in the meantime.
    watch: Option<Watch<'w>>,
}

/// Something that is done every [`EVERY`] during a wait.
struct Watch<'w> {
    /// But not before this.
    after: Duration,
    look: &'w mut dyn FnMut(),
}

impl<'w> Asking<'w> {
    /// Waits that long, and looks again and again once `after` is over.
    pub(crate) fn watched(patience: Duration, after: Duration, look: &'w mut dyn FnMut()) -> Self {
        Asking {
            patience,
            watch: Some(Watch { after, look }),
        }
    }

    /// Waits that long and does nothing else: what a timed sample needs.
    pub(crate) fn within(patience: Duration) -> Self {
        Asking {
            patience,
            watch: None,
        }
    }
}

impl<'i> Runner<'i> {
    /// Starts a contestant.
    ///
    /// # Errors
    ///
    /// [`Fault::Start`].
    pub(crate) fn start(command: &[String], interrupt: &'i Interrupt) -> Result<Runner<'i>, Fault> {
        let mark = Mark::new();
        let (program, arguments) = command.split_first().ok_or_else(|| {
            Fault::Start(std::io::Error::new(
                std::io::ErrorKind::InvalidInput,
                "the command is empty",
            ))
        })?;
        let mut child = Command::new(program)
            .args(arguments)
            .env(MARK, mark.value())
            // Out of reach of the terminal's Ctrl-C: the comparison ends it in its own order.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(Fault::Start)?;
        ours(child.id());
        let pipe_lost = || Fault::Start(std::io::ErrorKind::BrokenPipe.into());
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or_else(pipe_lost)?;
        let stderr = child.stderr.take();
        let exit = exit_descriptor(&child);
        let runner = Runner {
            child,
            stdin,
            stdout,
            stderr,
            exit,
            lines: Lines::default(),
            tail: Tail::default(),
            mark,
            ended: false,
            interrupt,
        };
        for pipe in [
            Some(runner.stdout.as_fd()),
            runner.stderr.as_ref().map(AsFd::as_fd),
        ]
        .into_iter()
        .flatten()
        {
            rustix::io::ioctl_fionbio(pipe, true).map_err(|error| Fault::Start(error.into()))?;
        }
        Ok(runner)
    }

    /// The id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The orphans that the comparison has adopted, as seen from this runner.
    pub(crate) fn adopted(&self) -> Adopted {
        adopted_from(self.child.id(), &self.mark)
    }

    /// The number of bytes read from its standard error so far.
    pub(crate) fn complained(&self) -> u64 {
        self.tail.all()
    }

    /// Sends a request and waits for its reply.
    ///
    /// # Errors
    ///
    /// Everything in [`Fault`]; a [`Reply::Failed`] is one too. After an error the runner is of no
    /// use.
    pub(crate) fn ask(&mut self, request: &Request, asking: Asking<'_>) -> Result<Reply, Fault> {
        let name = name(request);
        self.check_quiet()?;
        let mut line =
            serde_json::to_vec(request).map_err(|error| Fault::Failed(error.to_string()))?;
        line.push(b'\n');
        // A request fits into any pipe. One that cannot be written means that nobody reads: the
        // wait for the answer then finds out why.
        let _ = self.stdin.as_mut().map(|stdin| stdin.write_all(&line));
        let answer = self.wait_for_line(name, asking)?;
        let text = std::str::from_utf8(&answer).map_err(|_| rubbish(&answer, "not UTF-8"))?;
        match serde_json::from_str(text) {
            Ok(Reply::Failed { error }) => Err(Fault::Failed(error)),
            Ok(reply) => Ok(reply),
            Err(error) => Err(rubbish(&answer, &error.to_string())),
        }
    }

    /// Whatever it printed since its last reply answers nothing.
    fn check_quiet(&mut self) -> Result<(), Fault> {
        // Why it cannot be read, if it cannot, is found out by whoever waits for an answer.
        let _ = self.lines.read_from(&mut self.stdout);
        match self.lines.rest() {
            [] => Ok(()),
            rest => Err(rubbish(rest, "nothing was asked")),
        }
    }

    fn wait_for_line(
        &mut self,
        request: &'static str,
        mut asking: Asking<'_>,
    ) -> Result<Vec<u8>, Fault> {
        let begin = Instant::now();
        let deadline = begin + asking.patience;
        loop {
            if let Some(line) = self.lines.take() {
                return Ok(line);
            }
            if let Some(text) = self.lines.overlong() {
                return Err(rubbish(text, "a line without an end"));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Fault::Silent {
                    request,
                    patience: asking.patience,
                });
            }
            let before = |watch: &Watch<'_>| watch.after.saturating_sub(begin.elapsed());
            let slice = asking.watch.as_ref().map(before);
            let ready = self.poll(left.min(slice.map_or(left, |slice| slice.max(EVERY))))?;
            if let Some(watch) = &mut asking.watch
                && watch.after <= begin.elapsed()
            {
                (watch.look)();
            }
            if ready.stderr {
                self.drain_stderr();
            }
            if ready.stdout
                && !self.lines.read_from(&mut self.stdout).unwrap_or(false)
                && self.lines.is_dry()
            {
                return Err(self.end_of_output(request));
            }
            if ready.exit && !ready.stdout {
                // It may have answered and ended while the descriptors were looked at one after
                // another.
                let _ = self.lines.read_from(&mut self.stdout);
                return match self.lines.take() {
                    Some(line) => Ok(line),
                    None => Err(self.ended_fault(request)),
                };
            }
        }
    }

    fn poll(&self, timeout: Duration) -> Result<Ready, Fault> {
        #[cfg(not(target_os = "linux"))]
        let timeout = timeout.min(SLICE);
        let timeout = Timespec::try_from(timeout).unwrap_or(Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        });
        let mut fds = vec![
            PollFd::new(&self.stdout, PollFlags::IN),
            PollFd::from_borrowed_fd(self.interrupt.as_fd(), PollFlags::IN),
        ];
        let exit_at = self.exit.as_ref().map(|exit| {
            fds.push(PollFd::new(exit, PollFlags::IN));
            fds.len() - 1
        });
        let stderr_at = self.stderr.as_ref().map(|stderr| {
            fds.push(PollFd::new(stderr, PollFlags::IN));
            fds.len() - 1
        });
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                return Err(Fault::Failed(format!(
                    "cannot wait for its answer: {error}"
                )));
            }
        }
        if self.interrupt.happened() {
            return Err(Fault::Interrupted);
        }
        let ready = |at: usize| !fds[at].revents().is_empty();
        #[cfg(target_os = "linux")]
        let exit = exit_at.is_some_and(ready);
        #[cfg(not(target_os = "linux"))]
        let exit = exit_at.is_some() || has_ended(&self.child);
        Ok(Ready {
            stdout: ready(0),
            stderr: stderr_at.is_some_and(ready),
            exit,
        })
    }

    fn drain_stderr(&mut self) {
        if let Some(stderr) = &mut self.stderr
            && !self.tail.read_from(Read::by_ref(stderr))
        {
            self.stderr = None;
        }
    }

    /// Its output has ended: it did too, or it closed it.
    fn end_of_output(&mut self, request: &'static str) -> Fault {
        match self.exit_within(GRACE) {
            Some(status) => self.ended_with(status, request),
            None => Fault::Closed { request },
        }
    }

    fn ended_fault(&mut self, request: &'static str) -> Fault {
        match self.exit_within(GRACE) {
            Some(status) => self.ended_with(status, request),
            None => Fault::Silent {
                request,
                patience: GRACE,
            },
        }
    }

    fn ended_with(&mut self, status: ExitStatus, request: &'static str) -> Fault {
        self.drain_stderr();
        Fault::Ended {
            status,
            request,
            last_words: self.tail.last_words(),
        }
    }

    /// Waits for the process to end without taking its number away, ends whatever it left behind,
    /// and only then reaps it.
    fn exit_within(&mut self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        while !has_ended(&self.child) {
            if Instant::now() >= deadline || self.interrupt.happened() {
                return None;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        end_tree(&self.child, &self.mark);
        self.ended = true;
        self.child.wait().ok()
    }

    /// Ends it in good order: it is told to quit, and killed if it does not. Whatever it started
    /// ends too.
    ///
    /// # Errors
    ///
    /// [`Fault::Rubbish`] if it printed more than replies.
    pub(crate) fn quit(mut self) -> Result<(), Fault> {
        if self.ended {
            // Its number may be another's by now.
            return Ok(());
        }
        let mut line = serde_json::to_vec(&Request::Quit).unwrap_or_default();
        line.push(b'\n');
        if let Some(mut stdin) = self.stdin.take() {
            let _ = stdin.write_all(&line);
        }
        self.exit_within(FAREWELL);
        self.check_quiet()
    }
}

impl Drop for Runner<'_> {
    fn drop(&mut self) {
        if !self.ended {
            end_tree(&self.child, &self.mark);
            let _ = self.child.wait();
        }
    }
}

struct Ready {
    stdout: bool,
    stderr: bool,
    exit: bool,
}

fn name(request: &Request) -> &'static str {
    match request {
        Request::Hello { .. } => "hello",
        Request::Calibrate => "calibrate",
        Request::Reference(_) => "reference",
        Request::Rehearse(_) => "rehearse",
        Request::Load(_) => "load",
        Request::Sample => "sample",
        Request::Trace => "trace",
        Request::Quit => "quit",
    }
}

fn rubbish(text: &[u8], why: &str) -> Fault {
    let text: String = String::from_utf8_lossy(text).chars().take(60).collect();
    Fault::Rubbish {
        text,
        why: why.to_owned(),
    }
}

/// Whether it has ended; it stays unreaped, so that its number cannot be given to another process.
fn has_ended(child: &Child) -> bool {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let Some(pid) = Pid::from_raw(child.id().cast_signed()) else {
        return true;
    };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(waitid(WaitId::Pid(pid), options), Ok(None))
}

#[cfg(target_os = "linux")]
fn exit_descriptor(child: &Child) -> Option<OwnedFd> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    pidfd_open(
        Pid::from_raw(child.id().cast_signed())?,
        PidfdFlags::empty(),
    )
    .ok()
}

#[cfg(not(target_os = "linux"))]
fn exit_descriptor(_: &Child) -> Option<OwnedFd> {
    None
}
