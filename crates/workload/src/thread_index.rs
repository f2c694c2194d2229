//! Small per-thread indices for the trace: unique among live threads, reused after a thread exits.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The indices that were returned, and the smallest one never handed out.
struct Free {
    returned: BTreeSet<u32>,
    fresh: u32,
}

fn free() -> MutexGuard<'static, Free> {
    static FREE: Mutex<Free> = Mutex::new(Free {
        returned: BTreeSet::new(),
        fresh: 0,
    });
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Index(u32);

impl Index {
    fn take() -> Index {
        let mut free = free();
        Index(free.returned.pop_first().unwrap_or_else(|| {
            free.fresh += 1;
            free.fresh - 1
        }))
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        free().returned.insert(self.0);
    }
}

/// The index of the calling thread, the lowest one that was free at its first call.
pub(crate) fn thread_index() -> u32 {
    thread_local! {
        static INDEX: Index = Index::take();
    }
    // It fails in a thread whose thread-locals are already being destroyed: none that runs tasks.
    INDEX.try_with(|index| index.0).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn index_is_unique_among_live_threads_and_reused() {
        let own = thread_index();
        assert_eq!(thread_index(), own);
        // One after another, so that few indices suffice, however many tests run beside this one.
        for _ in 0..100 {
            let other = thread::spawn(thread_index).join().unwrap();
            assert!(other != own && other < 80, "{other}");
        }
    }
}
