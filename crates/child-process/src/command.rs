//! The settings of a command: program, arguments, environment, streams and limits.

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
    /// None: a read returns end of file at once.
    #[default]
    Null,
    /// The standard input of this program.
    Inherit,
    /// These bytes. They are written while the output is read, so a full pipe cannot block both
    /// sides. Bytes that the child does not read are dropped.
    Bytes(Arc<Vec<u8>>),
    /// A file, read from its current position.
    File(Arc<File>),
    /// A pipe fed by [`Child::write`](crate::Child::write), for [`Command::spawn`]. Where there is
    /// no handle to write through, as in [`Command::run`], this is the same as
    /// [`Null`](Self::Null).
    Pipe,
}

/// Where an output stream of a child goes.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Output {
    /// Into the result, or line by line to the caller.
    #[default]
    Capture,
    /// To the same stream of this program.
    Inherit,
    /// Nowhere.
    Null,
    /// Into a file, written from its current position.
    File(Arc<File>),
    /// For standard error: where standard output goes, in the order of the writes. For standard
    /// output this is the same as [`Capture`](Self::Capture).
    Merge,
}

/// The reaction to a child that exceeds its output limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// Keep the beginning, discard the rest and count the discarded bytes. The child never blocks.
    Truncate,
    /// Kill the tree: [`Error::TooMuchOutput`](crate::Error::TooMuchOutput).
    Fail,
}

/// A program to run, with its environment and its limits. It can be run any number of times.
///
/// By default standard input is empty and both outputs are captured. No shell is involved:
/// arguments reach the program unchanged.
///
/// ```
/// use std::time::Duration;
/// use effective_child_process::Command;
///
/// let sorted = Command::new("sort")
///     .env("LC_ALL", "C")
///     .input("pear\napple\n")
///     .time_limit(Duration::from_secs(5))
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

/// The time limits of a child.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) time_limit: Option<Duration>,
    pub(crate) grace: Duration,
    pub(crate) drain: Duration,
    pub(crate) kill_leftovers: bool,
}

impl Command {
    /// A program, given as a path or as a name to look up in the child's `PATH`: the `PATH` of this
    /// program unless [`env`](Self::env) sets another.
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
                time_limit: None,
                grace: Duration::from_secs(2),
                drain: Duration::from_millis(500),
                kill_leftovers: false,
            },
        }
    }

    /// Adds an argument.
    ///
    /// ```
    /// use effective_child_process::Command;
    ///
    /// assert_eq!(Command::new("echo").arg("a b").arg("c").read()?, "a b c");
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    ///
    /// ```
    /// use effective_child_process::Command;
    ///
    /// assert_eq!(Command::new("expr").args(["6", "*", "7"]).read()?, "42");
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable. Other variables are inherited from this program.
    ///
    /// ```
    /// use effective_child_process::Command;
    ///
    /// let greet = Command::new("sh").args(["-c", "echo $GREETING"]);
    /// assert_eq!(greet.env("GREETING", "hello").read()?, "hello");
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let change = (name.as_ref().to_owned(), Some(value.as_ref().to_owned()));
        self.env.push(change);
        self
    }

    /// Removes a variable from the environment.
    ///
    /// ```
    /// use effective_child_process::Command;
    ///
    /// let home = Command::new("sh").args(["-c", "echo ${HOME-none}"]).env_remove("HOME").read()?;
    /// assert_eq!(home, "none");
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), None));
        self
    }

    /// Starts from an empty environment and discards earlier settings. Without a `PATH` the program
    /// is looked up in `/bin` and `/usr/bin`.
    ///
    /// ```
    /// use effective_child_process::Command;
    ///
    /// let variables = Command::new("env").env("LOST", "1").env_clear().env("KEPT", "1").read()?;
    /// assert_eq!(variables, "KEPT=1");
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn env_clear(mut self) -> Self {
        self.env_clear = true;
        self.env.clear();
        self
    }

    /// Sets the working directory. Name the program by an absolute path or by a name in `PATH`
    /// then.
    ///
    /// ```
    /// use effective_child_process::Command;
    ///
    /// assert_eq!(Command::new("pwd").dir("/").read()?, "/");
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = Some(dir.as_ref().to_owned());
        self
    }

    /// Sets the source of standard input. The default is [`Input::Null`].
    ///
    /// ```
    /// use effective_child_process::{Command, Input};
    ///
    /// let mut child = Command::new("cat").stdin(Input::Pipe).spawn()?;
    /// child.write("as it comes\n")?;
    /// child.close_stdin();
    /// assert_eq!(child.finish()?.stdout, b"as it comes\n");
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn stdin(mut self, stdin: Input) -> Self {
        self.stdin = stdin;
        self
    }

    /// Feeds these bytes to standard input: [`Input::Bytes`].
    ///
    /// ```
    /// use effective_child_process::Command;
    ///
    /// assert_eq!(Command::new("tr").args(["a-z", "A-Z"]).input("loud").read()?, "LOUD");
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn input(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin(Input::Bytes(Arc::new(bytes.into())))
    }

    /// Sets the destination of standard output. The default is [`Output::Capture`].
    ///
    /// ```
    /// use effective_child_process::{Command, Output};
    ///
    /// let finished = Command::new("echo").arg("unheard").stdout(Output::Null).run()?;
    /// assert!(finished.success() && finished.stdout.is_empty());
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn stdout(mut self, stdout: Output) -> Self {
        self.stdout = stdout;
        self
    }

    /// Sets the destination of standard error. The default is [`Output::Capture`].
    ///
    /// ```
    /// use effective_child_process::{Command, Output};
    ///
    /// let noisy = Command::new("sh").args(["-c", "echo out; echo err >&2"]);
    /// let finished = noisy.stderr(Output::Null).run()?;
    /// assert_eq!((&*finished.stdout, &*finished.stderr), (&b"out\n"[..], &b""[..]));
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn stderr(mut self, stderr: Output) -> Self {
        self.stderr = stderr;
        self
    }

    /// Captures at most `bytes` bytes of each stream.
    ///
    /// Lines that are [read](crate::Child::lines) while the child runs are not captured and do not
    /// count; only the rest is captured at the end.
    ///
    /// ```
    /// use effective_child_process::{Command, Error, Excess};
    ///
    /// let endless = || Command::new("yes").arg("no");
    /// let result = endless().capture_at_most(1_000, Excess::Fail).run();
    /// assert!(matches!(result, Err(Error::TooMuchOutput { cap: 1_000, .. })));
    ///
    /// let long = Command::new("seq").arg("1000").capture_at_most(4, Excess::Truncate).run()?;
    /// assert_eq!((&*long.stdout, long.stdout_dropped), (&b"1\n2\n"[..], 3_889));
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn capture_at_most(mut self, bytes: usize, excess: Excess) -> Self {
        self.cap = Some((bytes, excess));
        self
    }

    /// Limits how long the child may run, from its start. At the limit the whole tree gets
    /// `SIGTERM`, and the processes that remain after the [grace time](Self::grace) get `SIGKILL`.
    /// The output captured so far is in [`Error::TimedOut`](crate::Error::TimedOut).
    ///
    /// The limit is enforced while a call, a list or a future waits for the child. A
    /// [`Child`](crate::Child) that no call waits for is not watched.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_child_process::{Command, Error};
    ///
    /// let result = Command::new("sleep").arg("600").time_limit(Duration::from_millis(50)).run();
    /// assert!(matches!(result, Err(Error::TimedOut { .. })));
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.limits.time_limit = Some(limit);
        self
    }

    /// Sets the time between `SIGTERM` and `SIGKILL`, 2 seconds by default. Zero sends `SIGKILL` at
    /// once.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_child_process::Command;
    ///
    /// // Ignores SIGTERM, so it gets SIGKILL after 50 ms.
    /// let stubborn = Command::new("sh").args(["-c", "trap '' TERM; sleep 600"]);
    /// let short = Duration::from_millis(50);
    /// let result = stubborn.time_limit(short).grace(short).run();
    /// assert!(result.unwrap_err().is_timeout());
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn grace(mut self, time: Duration) -> Self {
        self.limits.grace = time;
        self
    }

    /// Sets how long to read on after the child has ended while another process, such as one left
    /// in the background, holds its output open. The default is half a second; the [time
    /// limit](Self::time_limit) still applies. The result is then marked as
    /// [leaked](crate::Finished::leaked).
    ///
    /// This applies to captured output. A stage of a [`Pipeline`](crate::Pipeline) reads until
    /// every writer has closed the pipe.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_child_process::Command;
    ///
    /// // The background process holds the output open.
    /// let leaves = Command::new("sh").args(["-c", "echo done; sleep 5 &"]);
    /// let finished = leaves.drain(Duration::from_millis(10)).run()?;
    /// assert_eq!(finished.stdout, b"done\n");
    /// assert!(finished.leaked);
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn drain(mut self, time: Duration) -> Self {
        self.limits.drain = time;
        self
    }

    /// Sends `SIGKILL` to the rest of the child's process group as soon as the child itself has
    /// ended. By default background processes are left running, as a daemon requires.
    ///
    /// ```
    /// use effective_child_process::Command;
    ///
    /// // Without it, the result would come half a second later, and `sleep` would run on.
    /// let leaves = Command::new("sh").args(["-c", "sleep 600 & echo done"]);
    /// let finished = leaves.kill_leftovers().run()?;
    /// assert_eq!(finished.stdout, b"done\n");
    /// assert!(!finished.leaked);
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn kill_leftovers(mut self) -> Self {
        self.limits.kill_leftovers = true;
        self
    }

    /// Keeps the child in the process group of this program instead of giving it a group of its
    /// own.
    ///
    /// The child then shares the terminal: Ctrl-C reaches it, and it may read from the terminal, as
    /// an editor or a pager does. In exchange, its descendants are found through their parents
    /// only, so a time limit can miss a process whose parent has ended.
    ///
    /// ```
    /// use effective_child_process::{Command, Input, Output};
    ///
    /// // A pager reads keys from the terminal.
    /// let pager = Command::new("cat")
    ///     .stdin(Input::Bytes(b"text".to_vec().into()))
    ///     .stdout(Output::Null)
    ///     .foreground();
    /// assert!(pager.run()?.success());
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn foreground(mut self) -> Self {
        self.foreground = true;
        self
    }

    /// The command line, quoted as for a shell, for display only.
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
    // Control characters are escaped, so the result is always one line.
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
    fn command_line_is_quoted_for_a_shell_on_one_line() {
        let line = Command::new("grep")
            .args(["-e", "it's", "", "a b", "two\nlines", "--color=never"])
            .line();
        assert_eq!(
            line,
            r"grep -e 'it'\''s' '' 'a b' 'two\nlines' --color=never"
        );
    }
}
