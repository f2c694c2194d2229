//! The resources that the test program holds.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use super::{all_processes, state_and_parent};

/// The number of descriptors and children of this program, and of the threads of the crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holdings {
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
    pub(crate) children: usize,
}

impl Holdings {
    pub(crate) fn now() -> Self {
        let tasks: Vec<_> = fs::read_dir("/proc/self/task")
            .expect("/proc")
            .flatten()
            .map(|task| task.path())
            .collect();
        let children = tasks
            .iter()
            .filter_map(|task| fs::read_to_string(task.join("children")).ok())
            .map(|children| children.split_ascii_whitespace().count())
            .sum();
        // All threads of the crate have this name; those of the test harness have others.
        let threads = tasks
            .iter()
            .filter_map(|task| fs::read_to_string(task.join("comm")).ok())
            .filter(|name| name.trim_end() == "child-process")
            .count();
        Self {
            // One descriptor is the directory being read.
            descriptors: fs::read_dir("/proc/self/fd").expect("/proc").count() - 1,
            threads,
            children,
        }
    }

    /// The holdings after `first_use`, which opens what stays open for the life of the program. A
    /// thread that lingers after it does not count.
    pub(crate) fn after(first_use: impl FnOnce()) -> Self {
        let threads = Self::now().threads;
        first_use();
        Self {
            threads,
            ..Self::now()
        }
    }

    /// Waits until the program holds no more than this.
    #[track_caller]
    pub(crate) fn wait_until_restored(self) {
        let patience = Instant::now() + Duration::from_secs(30);
        loop {
            let now = Self::now();
            // There may be fewer threads now if one of an earlier test was still ending.
            if now.descriptors <= self.descriptors
                && now.threads <= self.threads
                && now.children <= self.children
            {
                return;
            }
            assert!(Instant::now() < patience, "before {self:?}, now {now:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The number of unreaped children of this program that have ended.
pub(crate) fn zombies() -> usize {
    all_processes()
        .filter(|id| state_and_parent(*id) == Some(('Z', std::process::id())))
        .count()
}
