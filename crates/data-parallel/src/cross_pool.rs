//! Calls from a worker of one rayon pool into another pool.
//!
//! A rayon worker that waits for another pool runs more items of its own pool meanwhile, on the same stack. If each of
//! those items makes such a call too, the stack grows with the number of items until it overflows. So the worker blocks
//! here instead: a helper thread, which belongs to no pool, makes the call.
//!
//! Workers that only block can deadlock: all workers of pool A wait for pool B, and an item on B calls A. Each wait is
//! therefore recorded as an edge from the pool of the waiting worker to the pool it waits for, and the graph is kept
//! free of cycles: a call that would close one runs on the pool it is made from. Every wait then ends, because the last
//! pool of a chain waits for none.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use rayon::ThreadPool;

/// Tells the pools of this crate apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PoolId(usize);

impl PoolId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        // Relaxed: the numbers only have to differ.
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

thread_local! {
    /// The pool that this thread is a worker of. `None` on the workers of other rayon pools, rayon's global one
    /// included: no call of this crate crosses into those, so they are never part of a cycle.
    static HOME: Cell<Option<PoolId>> = const { Cell::new(None) };
}

/// Note that the calling thread is a worker of this pool, from now on.
pub(crate) fn set_home(pool: PoolId) {
    HOME.set(Some(pool));
}

/// Run `work` on the pool. The calling thread is a worker of another one.
pub(crate) fn cross<R: Send>(pool: &ThreadPool, id: PoolId, work: impl FnOnce() -> R + Send) -> R {
    let wait = HOME.get().map(|home| Wait::begin(home, id));
    if let Some(None) = wait {
        return work();
    }
    // A refused spawn drops its closure, so the work itself stays here.
    let work = Mutex::new(Some(work));
    let take_work = || {
        let work = work.lock().unwrap_or_else(PoisonError::into_inner).take();
        work.expect("the work is taken once")
    };
    thread::scope(|scope| {
        let helper = thread::Builder::new().name("data-parallel-call".to_owned());
        match helper.spawn_scoped(scope, || pool.install(take_work())) {
            Ok(helper) => helper.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(_) => without_a_helper(pool, take_work()),
        }
    })
}

/// When the system refuses the helper its thread. rayon still waits for the very end of the job by running other items,
/// but the job has handed over its result by then, so that hardly ever happens.
fn without_a_helper<R: Send>(pool: &ThreadPool, work: impl FnOnce() -> R + Send) -> R {
    pool.in_place_scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(1);
        scope.spawn(move |_| {
            // It fails only without a receiver, and that waits below.
            let _ = sender.send(work());
        });
        receiver.recv().ok()
    })
    .expect("a panic of the work is passed on by the scope")
}

/// Record that the calling thread waits for that pool by its own means, if it is a worker of another one. A wait that
/// closes a cycle is not recorded.
pub(crate) fn wait_for(id: PoolId) -> Option<Wait> {
    Wait::begin(HOME.get()?, id)
}

/// One worker that waits for another pool. Removed from the graph when dropped.
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

/// How many workers of one pool wait for another, by the two pools.
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
    fn a_wait_that_closes_a_cycle_is_refused_until_the_cycle_is_open() {
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
    fn without_a_helper_the_result_and_the_panic_still_come() {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        assert_eq!(without_a_helper(&pool, || 7), 7);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            without_a_helper(&pool, || std::panic::panic_any("boom"));
        }));
        assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"boom"));
    }
}
