//! `locks` as a contestant: as many threads as workers, which share a list of tasks, and a list of outputs, a sum or a histogram. The
//! variants differ in what guards these.

mod contained;
mod crew;
mod shared;

use std::sync::Arc;

use workload::inputs::Inputs;
use workload::model::{Batch, Description, Model, Outputs, Reason};
use workload::protocol::{Concurrency, Variant};
use workload::task::{Failure, Output};

use crew::Crew;
use shared::{atomic, merged, mutex, rwlock, sharded};

/// The model `locks`.
#[derive(Debug, Clone, Copy)]
pub struct LocksModel;

/// How many threads there are, and what guards the state that they share.
#[derive(Debug, Clone, Copy)]
pub struct Ready {
    crew: Crew,
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
                    "Scoped threads; what they share is behind one mutex of std.",
                ),
                variant(
                    "rwlock",
                    "The same behind one reader-writer lock of std, which every task writes to.",
                ),
                variant("atomic", "The same in atomics."),
                variant("sharded", "The same in sharded maps and a sharded counter."),
                variant(
                    "merged",
                    "Each thread has outputs, a sum and counts of its own, merged when all are done.",
                ),
            ],
        }
    }

    fn serves(&self, _: &str) -> Result<(), Reason> {
        Err(Reason(
            "a server that shares state guards it as here, but what waits for requests is another model: see `threads` or `thread-pool`"
                .to_owned(),
        ))
    }

    fn prepare(&self, variant: &str, _: &Inputs, workers: usize) -> Result<Ready, Failure> {
        Ok(Ready {
            crew: Crew::of(workers),
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
            Guard::Mutex => mutex::map(ready.crew, batch),
            Guard::RwLock => rwlock::map(ready.crew, batch),
            Guard::Atomic => atomic::map(ready.crew, batch),
            Guard::Sharded => sharded::map(ready.crew, batch),
            Guard::Merged => merged::map(ready.crew, batch),
        }
    }

    fn fold(&self, ready: &mut Ready, batch: &Arc<Batch>) -> Output {
        match ready.guard {
            Guard::Mutex => mutex::fold(ready.crew, batch),
            Guard::RwLock => rwlock::fold(ready.crew, batch),
            Guard::Atomic => atomic::fold(ready.crew, batch),
            Guard::Sharded => sharded::fold(ready.crew, batch),
            Guard::Merged => merged::fold(ready.crew, batch),
        }
    }

    fn histogram(
        &self,
        ready: &mut Ready,
        batch: &Arc<Batch>,
        keys: usize,
    ) -> Result<Vec<u64>, Failure> {
        match ready.guard {
            Guard::Mutex => mutex::histogram(ready.crew, batch, keys),
            Guard::RwLock => rwlock::histogram(ready.crew, batch, keys),
            Guard::Atomic => atomic::histogram(ready.crew, batch, keys),
            Guard::Sharded => sharded::histogram(ready.crew, batch, keys),
            Guard::Merged => merged::histogram(ready.crew, batch, keys),
        }
    }
}
