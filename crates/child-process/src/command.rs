//! What to run, and how: settings only, nothing is started here.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Where the standard input of a child comes from.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Input {
    /// There is none: reading gives the end of file at once.
    #[default]
    Null,
    /// The standard input of this program.
    Inherit,
    /// These bytes. They are written while the output is read, so neither side can block the other; what the child does
    /// not read is dropped.
    Bytes(Arc<Vec<u8>>),
    /// A file, from where it is positioned.
    File(Arc<File>),
    /// A pipe that [`Child::write`](crate::Child::write) feeds, for [`Command::spawn`]. Where nobody can write to it,
    /// [`Command::run`] for instance, this is the same as [`Null`](Self::Null).
    Pipe,
}

/// Where an output stream of a child goes to.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Output {
    /// Into the result, or line by line to whoever asks.
    #[default]
    Capture,
    /// Where that of this program goes.
    Inherit,
    /// Nowhere.
    Null,
    /// Into a file, from where it is positioned.
    File(Arc<File>),
    /// For standard error only: where standard output goes, in the order in which it is written. For standard output
    /// this is the same as [`Capture`](Self::Capture).
    Merge,
}

/// What to do with a child that writes more than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// Keep the beginning, throw the rest away, and say how much that was. The child is never held up.
    Truncate,
    /// End the tree: [`Error::TooMuchOutput`](crate::Error::TooMuchOutput).
    Fail,
}

/// A program to run, its surroundings and its limits. It can be run any number of times.
///
/// Standard input is empty and both outputs are captured unless something else is said. No shell is involved: arguments
/// reach the program as they are.
///
/// ```
/// use std::time::Duration;
/// use effective_child_process::Command;
///
/// let sorted = Command::new("sort")
///     .env("LC_ALL", "C")
///     .input("pear\napple\n")
///     .timeout(Duration::from_secs(5))
///     .read()?;
/// assert_eq!(sorted, "apple\npear");
/// # Ok::<(), effective_child_process::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Command {
    pub(crate) program: OsString,
    pub(crate) args: Vec<OsString>,
    pub(crate) env_clear: bool,
    pub(crate) env: Vec<(OsString, Option<OsString>)>,
    pub(crate) dir: Option<PathBuf>,
    pub(crate) stdin: Input,
    pub(crate) stdout: Output,
    pub(crate) stderr: Output,
    pub(crate) cap: Option<(usize, Excess)>,
    pub(crate) foreground: bool,
    pub(crate) limits: Limits,
}

/// Times that a child is held to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) timeout: Option<Duration>,
    pub(crate) grace: Duration,
    pub(crate) drain: Duration,
    pub(crate) end_leftovers: bool,
}

impl Command {
    /// A program: a path, or a name that is looked up in the `PATH` that the program will have: this one's, unless
    /// [`env`](Self::env) sets another.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            env_clear: false,
            env: Vec::new(),
            dir: None,
            stdin: Input::Null,
            stdout: Output::Capture,
            stderr: Output::Capture,
            cap: None,
            foreground: false,
            limits: Limits {
                timeout: None,
                grace: Duration::from_secs(2),
                drain: Duration::from_millis(500),
                end_leftovers: false,
            },
        }
    }

    /// One more argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Set a variable of the environment, which is otherwise that of this program.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let change = (name.as_ref().to_owned(), Some(value.as_ref().to_owned()));
        self.env.push(change);
        self
    }

    /// Leave a variable out of the environment.
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), None));
        self
    }

    /// Start from an empty environment; what was set before is forgotten. Without a `PATH` a program is looked up in the
    /// system's own folders, `/bin` and `/usr/bin`.
    pub fn env_clear(mut self) -> Self {
        self.env_clear = true;
        self.env.clear();
        self
    }

    /// The folder that it works in. Name the program by an absolute path then, or by a name that is in `PATH`.
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = Some(dir.as_ref().to_owned());
        self
    }

    /// Where its standard input comes from: nothing, unless said otherwise.
    pub fn stdin(mut self, stdin: Input) -> Self {
        self.stdin = stdin;
        self
    }

    /// These bytes as its standard input: [`Input::Bytes`].
    pub fn input(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin(Input::Bytes(Arc::new(bytes.into())))
    }

    /// Where its standard output goes to: captured, unless said otherwise.
    pub fn stdout(mut self, stdout: Output) -> Self {
        self.stdout = stdout;
        self
    }

    /// Where its standard error goes to: captured, unless said otherwise.
    pub fn stderr(mut self, stderr: Output) -> Self {
        self.stderr = stderr;
        self
    }

    /// Capture at most so many bytes of each stream.
    ///
    /// Lines that are [asked for](crate::Child::lines) while it runs are not captured and do not count, only what is left
    /// of them in the end.
    pub fn capture_at_most(mut self, bytes: usize, excess: Excess) -> Self {
        self.cap = Some((bytes, excess));
        self
    }

    /// Let it run so long, from its start. Then its whole tree is sent `SIGTERM`, and what is left after the [grace
    /// time](Self::grace) `SIGKILL`; what was captured until then is in [`Error::TimedOut`](crate::Error::TimedOut).
    ///
    /// The time limit holds while a call waits for the child (or a future or a list does): nobody watches a
    /// [`Child`](crate::Child) that is left alone.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.limits.timeout = Some(time);
        self
    }

    /// The time between `SIGTERM` and `SIGKILL`: 2 seconds unless said otherwise. Zero means `SIGKILL` at once.
    pub fn grace(mut self, time: Duration) -> Self {
        self.limits.grace = time;
        self
    }

    /// How long to go on reading once the child has ended while something else holds its output, say a process that it
    /// left in the background: half a second unless said otherwise, and no longer than the [time limit](Self::timeout). The
    /// result is then marked as [leaked](crate::Finished::leaked).
    ///
    /// This holds for output that is captured. What one stage of a [`Pipeline`](crate::Pipeline) writes to the next is read
    /// by that one, until nothing holds the pipe any more.
    pub fn drain(mut self, time: Duration) -> Self {
        self.limits.drain = time;
        self
    }

    /// Send `SIGKILL` to whatever is left of its process group as soon as the child itself has ended. Without this, what
    /// it leaves in the background is left alone, as a daemon would want it.
    pub fn end_leftovers(mut self) -> Self {
        self.limits.end_leftovers = true;
        self
    }

    /// Leave it in the process group of this program instead of giving it one of its own.
    ///
    /// Then the terminal is the child's too: Ctrl-C reaches it, and it may read from the terminal, which is what an editor
    /// or a pager needs. The price: what it started is found by its parents only, so a timeout can miss a process whose
    /// parent has ended.
    pub fn foreground(mut self) -> Self {
        self.foreground = true;
        self
    }

    /// The command line, quoted as for a shell: for people to read.
    pub(crate) fn line(&self) -> String {
        let mut line = quoted(&self.program);
        for arg in &self.args {
            let _ = write!(line, " {}", quoted(arg));
        }
        line
    }
}

fn quoted(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    let plain = |character: char| character.is_alphanumeric() || "-_./=:,+@%".contains(character);
    if !text.is_empty() && text.chars().all(plain) {
        return text.into_owned();
    }
    // One line, whatever is in it.
    let mut shown = String::with_capacity(text.len() + 2);
    shown.push('\'');
    for character in text.chars() {
        match character {
            '\'' => shown.push_str("'\\''"),
            character if character.is_control() => shown.extend(character.escape_default()),
            character => shown.push(character),
        }
    }
    shown.push('\'');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_one_line_that_a_shell_would_split_the_same_way() {
        let line = Command::new("grep")
            .args(["-e", "it's", "", "a b", "two\nlines", "--color=never"])
            .line();
        assert_eq!(
            line,
            r"grep -e 'it'\''s' '' 'a b' 'two\nlines' --color=never"
        );
    }
}
