//! The pool: reused by all calls, and joined when dropped.

mod support {
    pub(crate) mod pool;
}

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread::{self, ThreadId};
use std::time::Duration;

use effective_data_parallel::DataParallel;
use support::pool::{count, pool};

/// Runs `work` once on each of the workers.
fn on_each<R: Send>(
    parallel: &DataParallel,
    workers: usize,
    work: impl Fn() -> R + Sync,
) -> Vec<R> {
    let all = Barrier::new(workers);
    let results = parallel
        .clone()
        .grain(count(1))
        .map(&vec![(); workers], |()| {
            // No worker takes a second item before each has one.
            all.wait();
            work()
        });
    results
        .into_iter()
        .map(|result| result.expect("the item succeeds"))
        .collect()
}

#[test]
fn calls_and_clones_share_the_same_named_workers() {
    let parallel = pool(3);
    let ids = |parallel| -> HashSet<ThreadId> {
        on_each(parallel, 3, || thread::current().id())
            .into_iter()
            .collect()
    };
    let first = ids(&parallel);
    assert_eq!(first.len(), 3);
    assert_eq!(ids(&parallel), first);
    assert_eq!(ids(&parallel.clone()), first);

    let mut names = on_each(&parallel, 3, || thread::current().name().map(str::to_owned));
    names.sort();
    assert_eq!(
        names,
        ["data-parallel-0", "data-parallel-1", "data-parallel-2"].map(|name| Some(name.to_owned()))
    );
}

#[test]
fn dropping_the_last_clone_joins_the_workers() {
    static GONE: AtomicUsize = AtomicUsize::new(0);
    struct AtExit;
    impl Drop for AtExit {
        fn drop(&mut self) {
            // Long enough that a drop that does not join would be seen.
            thread::sleep(Duration::from_millis(50));
            GONE.fetch_add(1, Ordering::SeqCst);
        }
    }
    thread_local!(static AT_EXIT: AtExit = const { AtExit });

    let parallel = pool(4);
    on_each(&parallel, 4, || AT_EXIT.with(|_| ()));
    let clone = parallel.clone();
    drop(parallel);
    assert_eq!(GONE.load(Ordering::SeqCst), 0);
    drop(clone);
    assert_eq!(GONE.load(Ordering::SeqCst), 4);
}

#[test]
fn fault_6_pool_dropped_on_its_own_worker_ends() {
    struct AtExit(mpsc::Sender<()>);
    impl Drop for AtExit {
        fn drop(&mut self) {
            // It fails if the test has already failed.
            let _ = self.0.send(());
        }
    }
    thread_local!(static AT_EXIT: RefCell<Option<AtExit>> = const { RefCell::new(None) });

    let (sender, gone) = mpsc::channel();
    let parallel = pool(2);
    on_each(&parallel, 2, || {
        AT_EXIT.with(|slot| *slot.borrow_mut() = Some(AtExit(sender.clone())));
    });
    let caller_is_done = Arc::new(AtomicBool::new(false));
    on_each(&parallel, 1, || {
        let (last, caller_is_done) = (parallel.clone(), Arc::clone(&caller_is_done));
        rayon::spawn(move || {
            while !caller_is_done.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(1));
            }
            drop(last);
        });
    });
    drop(parallel);
    caller_is_done.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        gone.recv_timeout(Duration::from_secs(10))
            .expect("the worker ends");
    }
}
