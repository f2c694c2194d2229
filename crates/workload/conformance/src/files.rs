//! A folder with the files that `read` steps name.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use workload::inputs::{Inputs, file_sizes};
use workload::value::{bytes, task_seed};

/// The folder. Dropping it removes it.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Folder {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "conformance-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("the temporary folder takes a folder");
        Folder(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn fill(&self, inputs: &Inputs) {
        for (file, size) in file_sizes(inputs) {
            let content = bytes(
                task_seed(inputs.header.seed, 0),
                usize::try_from(size).expect("a file fits memory"),
            );
            fs::write(self.0.join(file), content).expect("the temporary folder takes a file");
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
