//! Advice for a child that could not be started.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::io::Errno;

use crate::command::Command;

/// Whether the environment can have a variable of this name.
pub(super) fn can_be_a_variable(name: &OsStr) -> bool {
    !name.is_empty() && !name.as_bytes().contains(&b'=')
}

/// What to do about it, where that is known.
pub(super) fn hint(command: &Command, error: &io::Error) -> &'static str {
    let Some(raw) = error.raw_os_error() else {
        return if command.env.iter().all(|(name, _)| can_be_a_variable(name)) {
            "take NUL bytes out of program, arguments, environment and folder"
        } else {
            "name it by at least one character, and none of them `=`"
        };
    };
    match Errno::from_raw_os_error(raw) {
        Errno::NOENT | Errno::NOTDIR => match &command.dir {
            Some(dir) if !dir.is_dir() => "its folder does not exist or is none: name another",
            dir if is_there(dir.as_deref(), &command.program) => {
                "the file is there, but not the interpreter that its first line names, or its loader: install that"
            }
            _ => "install the program, or name it by its path",
        },
        Errno::ACCESS => "make the file executable and its folder accessible, or name another",
        Errno::NOEXEC => {
            "it is neither a program for this machine nor a script with a first line that names one"
        }
        Errno::TXTBSY => "somebody is still writing the file: start it when that is done",
        Errno::TOOBIG => "hand much data over by standard input or a file instead of arguments",
        Errno::MFILE | Errno::NFILE => "run fewer at once, or raise the limit of open files",
        Errno::AGAIN | Errno::NOMEM => "run fewer at once, or raise the limit of processes",
        _ => "",
    }
}

/// Whether the program was named by a path, and something is there.
fn is_there(dir: Option<&Path>, program: &OsStr) -> bool {
    // The child looks from its own folder.
    let path = dir.unwrap_or(Path::new("")).join(program);
    program.as_bytes().contains(&b'/') && path.is_file()
}
