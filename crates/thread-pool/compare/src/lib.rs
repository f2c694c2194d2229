//! The contestant `thread-pool`: one thread per worker, reused by all samples.

use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::sync::Arc;

use effective_thread_pool::{JobError, ThreadPool};
use workload::inputs::Inputs;
use workload::model::{Batch, Description, Model, Outputs, Reason};
use workload::protocol::{Concurrency, Variant};
use workload::serve::{Readiness, Service};
use workload::task::{Failure, Output};

/// The bound on pending jobs in the variant `bounded`.
const BACKLOG: usize = 64;

/// The model `thread-pool`.
#[derive(Debug, Clone, Copy)]
pub struct ThreadPoolModel;

/// A pool, and the way to hand it the tasks.
#[derive(Debug)]
pub struct Ready {
    pool: ThreadPool,
    way: Way,
}

#[derive(Debug, Clone, Copy)]
enum Way {
    Map,
    OneByOne,
    Stream,
    Submit,
    Bounded,
}

/// The first is the default.
const WAYS: [(Way, &str, &str); 5] = [
    (Way::Map, "", "A map with chunks of adaptive size."),
    (
        Way::OneByOne,
        "one-by-one",
        "A map that hands out one task at a time.",
    ),
    (
        Way::Stream,
        "stream",
        "A lazy map, which pulls inputs and yields results as it runs.",
    ),
    (
        Way::Submit,
        "submit",
        "A job per task, and a wait for each handle.",
    ),
    (
        Way::Bounded,
        "bounded",
        "As submit, with at most 64 jobs pending at a time.",
    ),
];

impl Model for ThreadPoolModel {
    type Ready = Ready;

    fn describe(&self) -> Description {
        Description {
            name: "thread-pool",
            version: env!("CARGO_PKG_VERSION").to_owned(),
            variants: WAYS
                .iter()
                .map(|&(_, name, about)| Variant {
                    name: name.to_owned(),
                    about: about.to_owned(),
                    concurrency: Concurrency::Workers,
                    ignores_workers: false,
                })
                .collect(),
        }
    }

    fn prepare(&self, variant: &str, _: &Inputs, workers: usize) -> Result<Ready, Failure> {
        let way = WAYS
            .iter()
            .find(|&&(_, name, _)| name == variant)
            .map_or(Way::Map, |&(way, ..)| way);
        let mut pool = ThreadPool::builder().workers(workers);
        if let Way::Bounded = way {
            pool = pool.max_pending(BACKLOG);
        }
        let pool = pool.build().map_err(Failure::new)?;
        Ok(Ready { pool, way })
    }

    fn serves(&self, _: &str) -> Result<(), Reason> {
        Ok(())
    }

    /// A job for each session that has a request, so that a thousand sessions do not need a
    /// thousand threads.
    fn serve(
        &self,
        ready: &mut Ready,
        service: &Arc<Service>,
        listener: TcpListener,
    ) -> Result<(), Failure> {
        let sessions = Arc::new(Readiness::accept(Arc::clone(service), &listener)?);
        while let Some(session) = sessions.next() {
            let at = Arc::clone(&sessions);
            let job = ready.pool.submit(move || at.serve(session));
            // The handle is not needed: the session tracks its own end.
            drop(job.map_err(Failure::new)?);
        }
        Ok(())
    }

    fn map(&self, ready: &mut Ready, batch: &Arc<Batch>) -> Outputs {
        let pool = &ready.pool;
        let tasks = 0..batch.len();
        let shared = Arc::clone(batch);
        let run = move |index| shared.run(index);
        match ready.way {
            Way::Map => flattened(pool.map(tasks, run)),
            Way::OneByOne => {
                let one = pool.mapping().chunk_size(NonZeroUsize::MIN);
                flattened(one.run(tasks, run))
            }
            Way::Stream => flattened(pool.mapping().stream(tasks, run)),
            Way::Submit | Way::Bounded => submitted(pool, batch),
        }
    }
}

fn submitted(pool: &ThreadPool, batch: &Arc<Batch>) -> Outputs {
    let handles: Vec<_> = (0..batch.len())
        .map(|index| {
            let shared = Arc::clone(batch);
            pool.submit(move || shared.run(index)).map_err(Failure::new)
        })
        .collect();
    handles
        .into_iter()
        .map(|handle| flatten(handle?.wait()))
        .collect()
}

fn flattened(results: impl IntoIterator<Item = Result<Output, JobError>>) -> Outputs {
    results.into_iter().map(flatten).collect()
}

fn flatten(result: Result<Output, JobError>) -> Output {
    result.unwrap_or_else(|error| Err(Failure::new(error)))
}
