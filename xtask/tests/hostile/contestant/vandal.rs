//! The deeds of a contestant that damages the files of the comparison.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::honest::Honest;

/// A file in the output folder that is not the comparison's.
pub(crate) const VICTIM: &str = "victim";

/// Does it, if it is a deed of this kind.
pub(crate) fn deed(what: &str, honest: &Honest) {
    let inputs = &honest.inputs;
    let folder = || inputs.parent().expect("a folder");
    match what {
        // Somebody else may have been quicker.
        "delete" => drop(fs::remove_file(inputs)),
        "overwrite" => overwrite(inputs),
        "spoil" => {
            let files = fs::read_dir(folder().join("tiny-files")).expect("a folder");
            for file in files {
                overwrite(&file.expect("a file").path());
            }
        }
        // The names of the tables to come.
        "squat" => {
            let _ = mknodat(
                CWD,
                folder().join("fifo-5.jsonl"),
                FileType::Fifo,
                Mode::RWXU,
                0,
            );
            let victim = folder().join("..").join(VICTIM);
            let _ = symlink(victim, folder().join("link-5.jsonl"));
        }
        _ => {}
    }
}

/// A read-only file too.
fn overwrite(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).expect("it is there");
    fs::write(path, "nothing that can be used\n").expect("it can be written");
}
