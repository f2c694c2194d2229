//! Calls from a worker of one rayon pool into another pool.
//!
//! A rayon worker that waits for another pool meanwhile runs more items of its own pool, on the
//! same stack. If each of those items makes such a call too, the stack grows with the number of
//! items until it overflows. Here the worker blocks instead, and a helper thread that belongs to no
//! pool makes the call.
//!
//! Workers that only block can deadlock: all workers of pool A wait for pool B, and an item on B
//! calls A. Each wait is therefore recorded as an edge from the pool of the waiting worker to the
//! awaited pool, and the graph is kept free of cycles: a call that would close a cycle runs on the
//! pool of its caller. Every wait then ends, because the last pool of a chain waits for no other.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use rayon::ThreadPool;

/// The identity of a pool of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PoolId(usize);

impl PoolId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        // Relaxed: the ids only have to differ.
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

thread_local! {
    /// The pool of this worker. `None` on the workers of other rayon pools, including the global
    /// one: no call of this crate crosses into those, so they are never part of a cycle.
    static HOME: Cell<Option<PoolId>> = const { Cell::new(None) };
}

/// Records that the calling thread is a worker of this pool from now on.
pub(crate) fn set_home(pool: PoolId) {
    HOME.set(Some(pool));
}

/// Runs `work` on the pool. The calling thread is a worker of another pool.
pub(crate) fn cross<R: Send>(pool: &ThreadPool, id: PoolId, work: impl FnOnce() -> R + Send) -> R {
    let wait = HOME.get().map(|home| Wait::begin(home, id));
    if let Some(None) = wait {
        return work();
    }
    // A refused spawn drops its closure, so the work stays outside of it.
    let work = Mutex::new(Some(work));
    let take_work = || {
        let work = work.lock().unwrap_or_else(PoisonError::into_inner).take();
        work.expect("the work is taken once")
    };
    thread::scope(|scope| {
        let helper = thread::Builder::new().name("data-parallel-call".to_owned());
        match helper.spawn_scoped(scope, || pool.install(take_work())) {
            Ok(helper) => helper.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(_) => cross_without_helper(pool, take_work()),
        }
    })
}

/// Runs `work` on the pool if the system refuses the helper thread. rayon waits for the end of the
/// job by running other items, but the job has already sent its result by then, so that rarely
/// happens.
fn cross_without_helper<R: Send>(pool: &ThreadPool, work: impl FnOnce() -> R + Send) -> R {
    pool.in_place_scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(1);
        scope.spawn(move |_| {
            // It fails only without a receiver, which waits below.
            let _ = sender.send(work());
        });
        receiver.recv().ok()
    })
    .expect("a panic of the work is passed on by the scope")
}

/// Records that the calling thread blocks for that pool, if it is a worker of another one. A wait
/// that closes a cycle is not recorded.
pub(crate) fn wait_for(id: PoolId) -> Option<Wait> {
    Wait::begin(HOME.get()?, id)
}

/// An edge of the graph: a worker that waits for another pool. The drop removes it.
pub(crate) struct Wait {
    edge: (PoolId, PoolId),
}

impl Wait {
    /// `None` if the awaited pool waits for this one already, directly or through others.
    fn begin(from: PoolId, to: PoolId) -> Option<Self> {
        let mut waits = waits();
        if waits.reaches(to, from) {
            return None;
        }
        let edge = (from, to);
        *waits.0.entry(edge).or_insert(0) += 1;
        Some(Self { edge })
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut waits = waits();
        if let Some(workers) = waits.0.get_mut(&self.edge) {
            *workers -= 1;
            if *workers == 0 {
                waits.0.remove(&self.edge);
            }
        }
    }
}

/// The number of workers of one pool that wait for another, by the two pools.
#[derive(Default)]
struct Waits(BTreeMap<(PoolId, PoolId), usize>);

static WAITS: Mutex<Waits> = Mutex::new(Waits(BTreeMap::new()));

fn waits() -> MutexGuard<'static, Waits> {
    WAITS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Waits {
    fn reaches(&self, from: PoolId, to: PoolId) -> bool {
        let mut found = vec![from];
        let mut looked_at = 0;
        while let Some(&pool) = found.get(looked_at) {
            if pool == to {
                return true;
            }
            looked_at += 1;
            let edges = (pool, PoolId(0))..=(pool, PoolId(usize::MAX));
            for (&(_, next), _) in self.0.range(edges) {
                if !found.contains(&next) {
                    found.push(next);
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn wait_that_closes_a_cycle_is_refused() {
        let [a, b, c] = [PoolId::next(), PoolId::next(), PoolId::next()];
        let first = Wait::begin(a, b).expect("no cycle");
        let again = Wait::begin(a, b).expect("no cycle");
        let second = Wait::begin(b, c).expect("no cycle");
        assert!(Wait::begin(b, a).is_none(), "direct");
        assert!(Wait::begin(c, a).is_none(), "through another pool");
        drop(first);
        assert!(Wait::begin(c, a).is_none(), "one of two waits is left");
        drop(again);
        let third = Wait::begin(c, a).expect("no cycle any more");
        assert!(Wait::begin(a, b).is_none(), "the other way round");
        drop((second, third));
        assert!(!waits().0.keys().any(|edge| [a, b, c].contains(&edge.0)));
    }

    #[test]
    fn cross_without_helper_returns_result_and_panic() {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        assert_eq!(cross_without_helper(&pool, || 7), 7);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            cross_without_helper(&pool, || std::panic::panic_any("boom"));
        }));
        assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"boom"));
    }
}
