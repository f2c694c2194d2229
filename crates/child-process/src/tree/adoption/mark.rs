//! The environment variable that marks a child and its descendants.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::tree::proc_scan::{ProcEntry, other_threads};

/// The name of the variable.
pub(crate) const MARK_VARIABLE: &str = "CHILD_PROCESS_TREE";

/// The prefix of all marks of this program: its process id and start time. The id alone is not
/// enough, since a program in another PID namespace may have the same one and pass its marks to
/// this program.
static PROGRAM: LazyLock<String> = LazyLock::new(|| {
    let id = std::process::id();
    let start = ProcEntry::read(id).map_or(0, |entry| entry.start);
    format!("{id}-{start}-")
});

/// The marks of all unreaped children, with the process id of the child once it has started.
static RUNNING: Mutex<BTreeMap<u64, Option<u32>>> = Mutex::new(BTreeMap::new());

/// The mark of one child, which its descendants inherit.
#[derive(Debug)]
pub(crate) struct Mark {
    number: u64,
    value: String,
}

impl Mark {
    /// A mark that no other child of this program has.
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        running(|marks| marks.insert(number, None));
        Self {
            number,
            value: format!("{}{number}", *PROGRAM),
        }
    }

    pub(crate) fn value(&self) -> &str {
        &self.value
    }

    pub(in crate::tree) fn number(&self) -> u64 {
        self.number
    }

    /// Records the process id of the started child.
    pub(in crate::tree) fn started(&self, id: u32) {
        running(|marks| marks.insert(self.number, Some(id)));
    }

    /// Records that the child was reaped: any process with its mark is an orphan from now on.
    pub(in crate::tree) fn retire(&self) {
        running(|marks| marks.remove(&self.number));
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.retire();
    }
}

/// The mark in the environment of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tree) enum Marked {
    /// It has this mark.
    With(u64),
    /// It has no mark of this program.
    Not,
    /// It is in the middle of an `execve`: its environment and its command line are both empty.
    NotYet,
}

/// The mark of a living process. A zombie has no environment.
pub(in crate::tree) fn mark_of(id: u32) -> Marked {
    let read = |file: &str| fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
    let mut environment = read("environ");
    if environment.is_empty() {
        // If the main thread has ended, read the environment through another thread.
        environment = other_threads(id)
            .map(|thread| read(&format!("task/{thread}/environ")))
            .find(|environment| !environment.is_empty())
            .unwrap_or_default();
    }
    if environment.is_empty() {
        if read("cmdline").is_empty() {
            return Marked::NotYet;
        }
        // The `execve` may have finished in between.
        environment = read("environ");
    }
    let prefix = format!("{MARK_VARIABLE}={}", *PROGRAM);
    environment
        .split(|byte| *byte == 0)
        .find_map(|entry| entry.strip_prefix(prefix.as_bytes()))
        .and_then(|number| str::from_utf8(number).ok()?.parse().ok())
        .map_or(Marked::Not, Marked::With)
}

/// Whether the child with this mark is unreaped, so that its own tree still handles its
/// descendants.
pub(super) fn is_running(number: u64) -> bool {
    running(|marks| marks.contains_key(&number))
}

/// The unreaped children of this crate. They have marks but are not orphans.
pub(in crate::tree) fn running_leaders() -> BTreeSet<u32> {
    running(|marks| marks.values().copied().flatten().collect())
}

fn running<R>(with: impl FnOnce(&mut BTreeMap<u64, Option<u32>>) -> R) -> R {
    with(&mut RUNNING.lock().unwrap_or_else(PoisonError::into_inner))
}
