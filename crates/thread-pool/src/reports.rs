//! The panics of completion callbacks, reported to their pool.
//!
//! A callback may run on a thread that knows nothing of the pool: one that cancels the job, or one
//! that adds the callback to a finished job. A handle knows its pool only by ID, so that it costs
//! no reference count and keeps no pool alive. A global map from IDs to pools bridges the gap; it
//! is read only when a callback is added.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::callback::Callback;
use crate::error::JobError;
use crate::panic::{TaskPanic, catch, drop_quietly};
use crate::shared::PoolId;

pub(crate) type PanicHandler = dyn Fn(TaskPanic) + Send + Sync;

static POOLS: Mutex<BTreeMap<PoolId, Arc<Reports>>> = Mutex::new(BTreeMap::new());

/// The callback panics of one pool.
pub(crate) struct Reports {
    handler: Option<Arc<PanicHandler>>,
    panics: AtomicUsize,
}

/// The entry of a pool in the global map, removed when dropped.
pub(crate) struct Registration {
    pool: PoolId,
    reports: Arc<Reports>,
}

impl Registration {
    pub(crate) fn new(pool: PoolId, handler: Option<Arc<PanicHandler>>) -> Self {
        let reports = Arc::new(Reports {
            handler,
            panics: AtomicUsize::new(0),
        });
        pools().insert(pool, Arc::clone(&reports));
        Self { pool, reports }
    }

    pub(crate) fn panics(&self) -> usize {
        self.reports.panics.load(Ordering::Relaxed)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let reports = pools().remove(&self.pool);
        // Dropping the handler runs user code, so it happens outside the lock.
        drop_quietly(reports);
    }
}

impl Reports {
    fn panicked(&self, panic: TaskPanic) {
        self.panics.fetch_add(1, Ordering::Relaxed);
        if let Some(handler) = &self.handler {
            drop(catch(|| handler(panic)));
        }
    }
}

/// A callback that reports its panic to `pool`, if the pool still exists.
pub(crate) fn reporting<R, C>(pool: PoolId, callback: C) -> Callback<R>
where
    C: FnOnce(&Result<R, JobError>) + Send + 'static,
{
    let reports = pools().get(&pool).cloned();
    Callback::new(callback, move |panic| {
        if let Some(reports) = &reports {
            reports.panicked(panic);
        }
    })
}

/// Always the mutex of std, even in model checks: the map is static and not part of a protocol
/// between threads.
fn pools() -> MutexGuard<'static, BTreeMap<PoolId, Arc<Reports>>> {
    POOLS.lock().unwrap_or_else(PoisonError::into_inner)
}
