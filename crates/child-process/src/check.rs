//! Methods of [`Finished`] that turn it into an [`Error`] if it is not as expected.

use std::str;

use crate::error::Error;
use crate::finished::Finished;

impl Finished {
    /// Returns itself if the child exited with status 0.
    ///
    /// # Errors
    /// [`Error::Failed`], which contains the whole result, otherwise.
    ///
    /// ```
    /// let error = effective_child_process::Command::new("sh")
    ///     .args(["-c", "echo no such host >&2; exit 7"])
    ///     .run()?
    ///     .check()
    ///     .unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "sh -c 'echo no such host >&2; exit 7': exit status: 7; \
    ///      its standard error ends with: no such host",
    /// );
    /// # Ok::<(), effective_child_process::Error>(())
    /// ```
    pub fn check(self) -> Result<Self, Error> {
        if self.success() {
            Ok(self)
        } else {
            Err(Error::Failed(Box::new(self)))
        }
    }

    /// Its standard output as text.
    ///
    /// # Errors
    /// [`Error::NotText`] if it is not UTF-8; [`String::from_utf8_lossy`] accepts any bytes.
    pub fn stdout_text(&self) -> Result<&str, Error> {
        self.text("standard output", &self.stdout)
    }

    /// Its standard error as text.
    ///
    /// # Errors
    /// [`Error::NotText`] if it is not UTF-8; [`String::from_utf8_lossy`] accepts any bytes.
    pub fn stderr_text(&self) -> Result<&str, Error> {
        self.text("standard error", &self.stderr)
    }

    fn text<'a>(&self, stream: &'static str, bytes: &'a [u8]) -> Result<&'a str, Error> {
        str::from_utf8(bytes).map_err(|error| Error::NotText {
            command: self.command.clone(),
            stream,
            error,
        })
    }
}
