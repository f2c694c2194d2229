//! The things beyond its text that a definition depends on.

use std::path::Path;

/// The programs and files that a definition may name.
pub(super) struct Surroundings<'a> {
    /// Whether an `exec` step can start this program.
    pub(super) program_exists: &'a dyn Fn(&str) -> bool,
    /// The folder that relative paths start from; `None`: no file can be named.
    pub(super) folder: Option<&'a Path>,
}

impl Default for Surroundings<'_> {
    fn default() -> Self {
        Surroundings {
            program_exists: &|_| true,
            folder: None,
        }
    }
}
