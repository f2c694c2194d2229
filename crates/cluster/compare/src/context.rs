//! [`Context`]: the needs of tasks besides their inputs, in a file that all workers read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use workload::model::Batch;
use workload::task::Surroundings;

/// The needs of tasks besides their inputs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Context {
    pub(crate) surroundings: Surroundings,
    /// Whether workers say when and where a task ran: only in the untimed trace.
    pub(crate) is_traced: bool,
}

impl Context {
    pub(crate) fn of(batch: &Batch) -> Self {
        Self {
            surroundings: batch.surroundings().clone(),
            is_traced: batch.is_traced(),
        }
    }
}

/// The folder that the caller writes to and its workers read: the inputs, and each version of the
/// context, with the values of the previous generation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Shelf(PathBuf);

impl Shelf {
    pub(crate) fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    pub(crate) fn inputs(&self) -> PathBuf {
        self.0.join("inputs.jsonl")
    }

    fn context(&self, version: u64) -> PathBuf {
        self.0.join(format!("context-{version}"))
    }

    /// Writes a version, and removes the one before: no task is under way.
    pub(crate) fn write(
        &self,
        version: u64,
        context: &Context,
        snapshot: &[u64],
    ) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(context)?;
        bytes.push(b'\n');
        bytes.extend(snapshot.iter().flat_map(|value| value.to_le_bytes()));
        fs::write(self.context(version), bytes)?;
        let _ = fs::remove_file(self.context(version - 1));
        Ok(())
    }

    pub(crate) fn read(&self, version: u64) -> io::Result<(Context, Vec<u64>)> {
        let bytes = fs::read(self.context(version))?;
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        let (values, _) = bytes[end + 1..].as_chunks();
        let snapshot = values.iter().copied().map(u64::from_le_bytes).collect();
        Ok((serde_json::from_slice(&bytes[..end])?, snapshot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_replaces_the_one_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let shelf = Shelf::new(folder.path());
        let context = Context::default();
        // A value with the byte that ends the first line.
        let snapshot = [0x0a0a, u64::MAX];
        for version in 1..=3 {
            shelf.write(version, &context, &snapshot).expect("written");
            let (read, values) = shelf.read(version).expect("read");
            assert_eq!((read, &values[..]), (context.clone(), &snapshot[..]));
        }
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }
}
