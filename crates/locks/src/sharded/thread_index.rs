//! Small per-thread indices: unique among live threads, reused after a thread exits.

/// The index of a thread that has none: too large to be the index of a shard.
const NO_INDEX: usize = usize::MAX;

/// The index of the calling thread, the lowest one that was free at its first call. It is released
/// when the thread exits: destructors of thread-locals that run later get [`NO_INDEX`].
#[cfg(not(model_check))]
#[inline]
pub(super) fn thread_index() -> usize {
    let index = per_thread::INDEX.get();
    if index == per_thread::NOT_YET {
        per_thread::acquire()
    } else {
        index
    }
}

/// Under loom all threads share one thread-local. The models pass their own indices.
#[cfg(model_check)]
pub(super) fn thread_index() -> usize {
    NO_INDEX
}

#[cfg(not(model_check))]
mod per_thread {
    use std::cell::Cell;

    use super::NO_INDEX;
    use crate::sharded::index_pool::{Index, IndexPool};

    pub(super) const NOT_YET: usize = NO_INDEX - 1;

    static INDICES: IndexPool = IndexPool::new();

    thread_local! {
        /// A copy without a destructor: reading it is one load and works until the thread has
        /// ended.
        pub(super) static INDEX: Cell<usize> = const { Cell::new(NOT_YET) };
        static HELD: Held = Held(INDICES.acquire());
    }

    struct Held(Index<'static>);

    impl Drop for Held {
        fn drop(&mut self) {
            // Before the index is released, so that this thread no longer uses it then.
            INDEX.set(NO_INDEX);
        }
    }

    #[cold]
    pub(super) fn acquire() -> usize {
        // It fails in a thread whose thread-locals are already being destroyed.
        let index = HELD.try_with(|held| held.0.get()).unwrap_or(NO_INDEX);
        INDEX.set(index);
        index
    }
}

#[cfg(all(test, not(model_check)))]
mod tests {
    use std::collections::HashSet;
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn indices_are_unique_among_live_threads_and_reused() {
        let highest = |threads: usize| {
            let all = Barrier::new(threads);
            let indices: Vec<usize> = thread::scope(|scope| {
                let handles: Vec<_> = (0..threads)
                    .map(|_| {
                        scope.spawn(|| {
                            all.wait();
                            let index = thread_index();
                            assert_eq!(index, thread_index());
                            all.wait();
                            index
                        })
                    })
                    .collect();
                // Joined, since the scope does not wait for the destructors of thread-locals.
                handles
                    .into_iter()
                    .map(|handle| handle.join().expect("the thread ends"))
                    .collect()
            });
            assert_eq!(indices.iter().collect::<HashSet<_>>().len(), threads);
            indices.into_iter().max()
        };
        // Other tests of this process have indices too, but not hundreds.
        for _ in 0..50 {
            assert!(highest(10) < Some(200));
        }
    }
}
