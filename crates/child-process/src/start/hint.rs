//! The advice in [`Error::Start`](crate::error::Error::Start).

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::io::Errno;

use crate::command::Command;

/// Whether an environment variable can have this name.
pub(super) fn is_variable_name(name: &OsStr) -> bool {
    !name.is_empty() && !name.as_bytes().contains(&b'=')
}

/// Advice for this error; empty if there is none.
pub(super) fn hint(command: &Command, error: &io::Error) -> &'static str {
    let Some(raw) = error.raw_os_error() else {
        return if command.env.iter().all(|(name, _)| is_variable_name(name)) {
            "remove the NUL bytes from program, arguments, environment and directory"
        } else {
            "use a name that is not empty and contains no `=`"
        };
    };
    match Errno::from_raw_os_error(raw) {
        Errno::NOENT | Errno::NOTDIR => match &command.dir {
            Some(dir) if !dir.is_dir() => {
                "its working directory does not exist or is not a directory"
            }
            dir if exists(dir.as_deref(), &command.program) => {
                "the file exists, but the interpreter in its first line or its loader is missing"
            }
            _ => "install the program, or give its path",
        },
        Errno::ACCESS => "make the file executable and its directory accessible",
        Errno::NOEXEC => {
            "it is neither a program for this machine nor a script that starts with `#!`"
        }
        Errno::TXTBSY => "the file is open for writing: start it once it is closed",
        Errno::TOOBIG => "pass large data through standard input or a file, not through arguments",
        Errno::MFILE | Errno::NFILE => "run fewer at once, or raise the limit of open files",
        Errno::AGAIN | Errno::NOMEM => "run fewer at once, or raise the limit of processes",
        _ => "",
    }
}

/// Whether the program was given as a path to an existing file.
fn exists(dir: Option<&Path>, program: &OsStr) -> bool {
    // A relative path is relative to the child's directory.
    let path = dir.unwrap_or(Path::new("")).join(program);
    program.as_bytes().contains(&b'/') && path.is_file()
}
