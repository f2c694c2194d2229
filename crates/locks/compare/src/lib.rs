//! The runner of `locks`: workers that share a list of tasks, and a list of outputs, a sum or a
//! histogram. The variants differ in the guard of the shared state.

mod panic;
mod shared;
mod task;
mod workers;

use std::sync::{Arc, Mutex, RwLock};

use workload::inputs::Inputs;
use workload::model::{Batch, Description, Model, Outputs, Reason};
use workload::protocol::{Concurrency, Variant};
use workload::task::{Failure, Output};

use shared::{atomic, lock, merged, sharded};
use workers::Workers;

/// The model `locks`.
#[derive(Debug, Clone, Copy)]
pub struct LocksModel;

/// The number of workers, and the guard of their shared state.
#[derive(Debug, Clone, Copy)]
pub struct Ready {
    workers: Workers,
    guard: Guard,
}

#[derive(Debug, Clone, Copy)]
enum Guard {
    Mutex,
    RwLock,
    Atomic,
    Sharded,
    Merged,
}

impl Model for LocksModel {
    type Ready = Ready;

    fn describe(&self) -> Description {
        let variant = |name: &str, about: &str| Variant {
            name: name.to_owned(),
            about: about.to_owned(),
            concurrency: Concurrency::Workers,
            ignores_workers: false,
        };
        Description {
            name: "locks",
            version: env!("CARGO_PKG_VERSION").to_owned(),
            variants: vec![
                variant(
                    "",
                    "Scoped threads; their shared state is behind one mutex of std.",
                ),
                variant(
                    "rwlock",
                    "The same behind one reader-writer lock of std, which every task writes to.",
                ),
                variant("atomic", "The same in atomics."),
                variant("sharded", "The same in sharded maps and a sharded counter."),
                variant(
                    "merged",
                    "Each thread has its own outputs, sum and counts, merged at the end.",
                ),
            ],
        }
    }

    fn serves(&self, _: &str) -> Result<(), Reason> {
        Err(Reason(
            "a server can guard its shared state like this, but waiting for requests is the job of \
             another model: see `threads` or `thread-pool`"
                .to_owned(),
        ))
    }

    fn prepare(&self, variant: &str, _: &Inputs, workers: usize) -> Result<Ready, Failure> {
        Ok(Ready {
            workers: Workers::new(workers),
            guard: match variant {
                "rwlock" => Guard::RwLock,
                "atomic" => Guard::Atomic,
                "sharded" => Guard::Sharded,
                "merged" => Guard::Merged,
                _ => Guard::Mutex,
            },
        })
    }

    fn map(&self, ready: &mut Ready, batch: &Arc<Batch>) -> Outputs {
        match ready.guard {
            Guard::Mutex => lock::map::<Mutex<_>>(ready.workers, batch),
            Guard::RwLock => lock::map::<RwLock<_>>(ready.workers, batch),
            Guard::Atomic => atomic::map(ready.workers, batch),
            Guard::Sharded => sharded::map(ready.workers, batch),
            Guard::Merged => merged::map(ready.workers, batch),
        }
    }

    fn fold(&self, ready: &mut Ready, batch: &Arc<Batch>) -> Output {
        match ready.guard {
            Guard::Mutex => lock::fold::<Mutex<_>>(ready.workers, batch),
            Guard::RwLock => lock::fold::<RwLock<_>>(ready.workers, batch),
            Guard::Atomic => atomic::fold(ready.workers, batch),
            Guard::Sharded => sharded::fold(ready.workers, batch),
            Guard::Merged => merged::fold(ready.workers, batch),
        }
    }

    fn histogram(
        &self,
        ready: &mut Ready,
        batch: &Arc<Batch>,
        keys: usize,
    ) -> Result<Vec<u64>, Failure> {
        match ready.guard {
            Guard::Mutex => lock::histogram::<Mutex<_>>(ready.workers, batch, keys),
            Guard::RwLock => lock::histogram::<RwLock<_>>(ready.workers, batch, keys),
            Guard::Atomic => atomic::histogram(ready.workers, batch, keys),
            Guard::Sharded => sharded::histogram(ready.workers, batch, keys),
            Guard::Merged => merged::histogram(ready.workers, batch, keys),
        }
    }
}
