//! A number for each thread that lives, which no other living thread has.

/// Said of a thread that has no number, and of no other: too large to be the place of a shard.
const NO_NUMBER: usize = usize::MAX;

/// The number of the calling thread: the least that was free when it asked first. It is given back when the thread ends;
/// what still runs on the thread then, destructors of thread-locals, gets [`NO_NUMBER`].
#[cfg(not(model_check))]
#[inline]
pub(super) fn thread_number() -> usize {
    let number = per_thread::NUMBER.get();
    if number == per_thread::NOT_YET {
        per_thread::first_time()
    } else {
        number
    }
}

/// Under the model checker the threads share one thread-local. The models bring their numbers.
#[cfg(model_check)]
pub(super) fn thread_number() -> usize {
    NO_NUMBER
}

#[cfg(not(model_check))]
mod per_thread {
    use std::cell::Cell;

    use super::NO_NUMBER;
    use crate::sharded::numbers::{Lease, Numbers};

    pub(super) const NOT_YET: usize = NO_NUMBER - 1;

    static NUMBERS: Numbers = Numbers::new();

    thread_local! {
        /// A copy without a destructor, so that reading it is one load and works to the very end of the thread.
        pub(super) static NUMBER: Cell<usize> = const { Cell::new(NOT_YET) };
        static HELD: Held = Held(NUMBERS.lend());
    }

    struct Held(Lease<'static>);

    impl Drop for Held {
        fn drop(&mut self) {
            // Before the lease is, so that the number is not used a moment longer than it is this thread's.
            NUMBER.set(NO_NUMBER);
        }
    }

    #[cold]
    pub(super) fn first_time() -> usize {
        // It fails in a thread that begins so late that its thread-locals are being destroyed.
        let number = HELD.try_with(|held| held.0.number()).unwrap_or(NO_NUMBER);
        NUMBER.set(number);
        number
    }
}

#[cfg(all(test, not(model_check)))]
mod tests {
    use std::collections::HashSet;
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn threads_alive_at_once_have_different_numbers_and_ended_ones_give_theirs_back() {
        let highest = |threads: usize| {
            let all = Barrier::new(threads);
            let numbers: Vec<usize> = thread::scope(|scope| {
                let handles: Vec<_> = (0..threads)
                    .map(|_| {
                        scope.spawn(|| {
                            all.wait();
                            let number = thread_number();
                            assert_eq!(number, thread_number());
                            all.wait();
                            number
                        })
                    })
                    .collect();
                // Joined, and not only awaited as the scope does: then their thread-locals are gone too.
                handles
                    .into_iter()
                    .map(|handle| handle.join().expect("the thread ends"))
                    .collect()
            });
            assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), threads);
            numbers.into_iter().max()
        };
        // Other tests of this process have numbers too, but not hundreds.
        for _ in 0..50 {
            assert!(highest(10) < Some(200));
        }
    }
}
