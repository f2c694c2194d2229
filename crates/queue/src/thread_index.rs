//! Small per-thread indices: unique among live threads, reused after a thread exits.
//!
//! A thread whose index is below [`own_shards`] has a shard of each queue to itself. All other
//! threads share one. So the counters of a queue stay few and exact, however many threads there
//! are.

pub(crate) use self::implementation::{current, own_shards};

#[cfg(not(model_check))]
mod implementation {
    use std::collections::BTreeSet;
    use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
    use std::thread;

    /// The number of threads with shards of their own: on up to 32 processors enough for all
    /// threads that can run at once and as many blocked ones, at 128 bytes each in every queue.
    pub(crate) fn own_shards() -> usize {
        static SHARDS: OnceLock<usize> = OnceLock::new();
        *SHARDS.get_or_init(|| {
            let processors = thread::available_parallelism().map_or(4, usize::from);
            (2 * processors).clamp(16, 64)
        })
    }

    /// The indices that were returned, and the smallest one never handed out.
    struct Free {
        returned: BTreeSet<usize>,
        fresh: usize,
    }

    /// Handing an index on through this lock also publishes the writes of its previous owner.
    fn free() -> MutexGuard<'static, Free> {
        static FREE: Mutex<Free> = Mutex::new(Free {
            returned: BTreeSet::new(),
            fresh: 0,
        });
        FREE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    struct Index(usize);

    impl Index {
        fn take() -> Self {
            let mut free = free();
            Self(free.returned.pop_first().unwrap_or_else(|| {
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

    thread_local! {
        static INDEX: Index = Index::take();
    }

    /// The index of this thread, or `usize::MAX` if the exiting thread has already returned it.
    #[inline]
    pub(crate) fn current() -> usize {
        INDEX.try_with(|index| index.0).unwrap_or(usize::MAX)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn live_threads_have_unique_indices() {
            let barrier = std::sync::Barrier::new(8);
            let mut indices: Vec<usize> = thread::scope(|scope| {
                let threads: Vec<_> = (0..8)
                    .map(|_| {
                        scope.spawn(|| {
                            let index = current();
                            barrier.wait();
                            assert_eq!(index, current());
                            index
                        })
                    })
                    .collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().expect("no panic"))
                    .collect()
            });
            indices.sort_unstable();
            indices.dedup();
            assert_eq!(indices.len(), 8);
        }

        #[test]
        fn indices_are_reused() {
            let max = (0..500)
                .map(|_| thread::spawn(current).join().expect("no panic"))
                .max();
            // Threads of other tests may hold a few.
            assert!(max < Some(400), "{max:?}");
        }
    }
}

/// Under loom a single thread, recognised by its name, has a shard of its own.
#[cfg(model_check)]
mod implementation {
    pub(crate) fn own_shards() -> usize {
        1
    }

    pub(crate) fn current() -> usize {
        usize::from(loom::thread::current().name() != Some("own shard"))
    }
}
