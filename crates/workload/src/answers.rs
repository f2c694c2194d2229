//! Standard output as a private channel: the answers of a process that runs somebody else's code.

use std::fs::File;
use std::io;

/// Moves standard output to a descriptor of its own, which no child inherits, and puts standard
/// error in its place. After that, nothing that a task, a library or a child prints is among the
/// answers.
///
/// # Errors
///
/// If the system refuses, as it does where descriptors run out.
#[cfg(unix)]
pub fn take_stdout() -> io::Result<File> {
    use rustix::io::fcntl_dupfd_cloexec;
    use rustix::stdio::{dup2_stdout, stderr, stdout};
    // From 3 on, so that the standard descriptors stay free.
    let answers = fcntl_dupfd_cloexec(stdout(), 3)?;
    dup2_stdout(stderr())?;
    Ok(File::from(answers))
}

/// Fails on this system.
#[cfg(not(unix))]
pub fn take_stdout() -> io::Result<File> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "runners need a Unix system",
    ))
}
