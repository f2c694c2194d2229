//! Numbers for threads: small, unlike among all that live, and used again when a thread has ended.
//!
//! A thread with a number below [`number`] has a seat: in each queue a shard that nobody else counts on. The other threads
//! share one. So the counters of a queue stay few, however many threads there are, and right.

pub(crate) use self::implementation::{mine, number};

#[cfg(not(model_check))]
mod implementation {
    use std::collections::BTreeSet;
    use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
    use std::thread;

    /// Up to 32 processors enough for all threads that can run at once, and as many again that are blocked; 128 bytes each
    /// in each queue.
    pub(crate) fn number() -> usize {
        static NUMBER: OnceLock<usize> = OnceLock::new();
        *NUMBER.get_or_init(|| {
            let processors = thread::available_parallelism().map_or(4, usize::from);
            (2 * processors).clamp(16, 64)
        })
    }

    /// Numbers that were given back, and the least that was never given out.
    struct Free {
        back: BTreeSet<usize>,
        fresh: usize,
    }

    /// Handing a number on through this lock also hands on what the thread that had it wrote.
    fn free() -> MutexGuard<'static, Free> {
        static FREE: Mutex<Free> = Mutex::new(Free {
            back: BTreeSet::new(),
            fresh: 0,
        });
        FREE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    struct Seat(usize);

    impl Seat {
        fn take() -> Self {
            let mut free = free();
            Self(free.back.pop_first().unwrap_or_else(|| {
                free.fresh += 1;
                free.fresh - 1
            }))
        }
    }

    impl Drop for Seat {
        fn drop(&mut self) {
            free().back.insert(self.0);
        }
    }

    thread_local! {
        static MINE: Seat = Seat::take();
    }

    /// The number of this thread. One that is ending may have given it back: then it has none to itself.
    #[inline]
    pub(crate) fn mine() -> usize {
        MINE.try_with(|seat| seat.0).unwrap_or(usize::MAX)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn threads_that_live_together_have_unlike_numbers() {
            let barrier = std::sync::Barrier::new(8);
            let mut seats: Vec<usize> = thread::scope(|scope| {
                let threads: Vec<_> = (0..8)
                    .map(|_| {
                        scope.spawn(|| {
                            let seat = mine();
                            barrier.wait();
                            assert_eq!(seat, mine());
                            seat
                        })
                    })
                    .collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().expect("no panic"))
                    .collect()
            });
            seats.sort_unstable();
            seats.dedup();
            assert_eq!(seats.len(), 8);
        }

        #[test]
        fn numbers_are_used_again() {
            let greatest = (0..500)
                .map(|_| thread::spawn(mine).join().expect("no panic"))
                .max();
            // The threads of other tests have some meanwhile.
            assert!(greatest < Some(400), "{greatest:?}");
        }
    }
}

/// In a model there is one seat, for the thread of this name. All others share a shard.
#[cfg(model_check)]
mod implementation {
    pub(crate) fn number() -> usize {
        1
    }

    pub(crate) fn mine() -> usize {
        usize::from(loom::thread::current().name() != Some("seated"))
    }
}
