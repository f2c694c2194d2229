//! The contestant `queue`: workers that take their tasks from one queue and put the outputs into
//! another, from which a single thread adds them up or counts them where the workload asks for
//! that; and stages with a queue in front of each.

mod in_flight;
mod serving;
mod stages;
mod workers;

use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::sync::Arc;

use effective_queue::Queue;
use workload::definition::Pattern;
use workload::inputs::Inputs;
use workload::model::{Batch, Description, Model, Outputs, Reason};
use workload::protocol::{Concurrency, Variant};
use workload::serve::Service;
use workload::task::{Failure, Output};
use workload::value::key;

use crate::workers::Workers;

/// Room for tasks in the default variant: as in Item 55, it keeps the producer from running ahead.
const ROOM: NonZeroUsize = NonZeroUsize::new(128).unwrap();

/// The model `queue`.
#[derive(Debug, Clone, Copy)]
pub struct QueueModel;

/// The state that all samples reuse.
#[derive(Debug)]
pub enum Ready {
    /// Worker threads, for any pattern without stages or sessions.
    Workers(Workers),
    /// For stages and sessions, whose threads live no longer than a sample.
    PerSample {
        /// The number of workers: of each stage, or of the server.
        workers: usize,
        /// Whether the queues are bounded.
        bounded: bool,
    },
}

impl Ready {
    fn send_to_owner(
        &self,
        batch: &Arc<Batch>,
        add: impl FnMut(u64) + Send,
    ) -> Result<(), Failure> {
        match self {
            Ready::Workers(workers) => workers.send_to_owner(batch, add),
            Ready::PerSample { .. } => Err(Failure::new("no workers were started")),
        }
    }
}

fn queue<T: Send>(room: Option<NonZeroUsize>) -> Queue<T> {
    room.map_or_else(Queue::unbounded, Queue::bounded)
}

impl Model for QueueModel {
    type Ready = Ready;

    fn describe(&self) -> Description {
        let variant = |name: &str, about: &str| Variant {
            name: name.to_owned(),
            about: about.to_owned(),
            concurrency: Concurrency::Workers,
            ignores_workers: false,
        };
        Description {
            name: "queue",
            version: env!("CARGO_PKG_VERSION").to_owned(),
            variants: vec![
                variant(
                    "",
                    "Workers get tasks from a bounded queue, which is joined; a pipeline has a \
                     queue and that many workers for each stage.",
                ),
                variant(
                    "unbounded",
                    "Unbounded queues, also between the stages of a pipeline: all tasks are put at \
                     once.",
                ),
            ],
        }
    }

    fn prepare(&self, variant: &str, inputs: &Inputs, workers: usize) -> Result<Ready, Failure> {
        let bounded = variant != "unbounded";
        match inputs.header.pattern {
            Pattern::Pipeline { .. } | Pattern::Serve { .. } => {
                Ok(Ready::PerSample { workers, bounded })
            }
            _ => {
                let tasks = queue(bounded.then_some(ROOM));
                Workers::start(tasks, workers).map(Ready::Workers)
            }
        }
    }

    fn map(&self, ready: &mut Ready, batch: &Arc<Batch>) -> Outputs {
        match ready {
            Ready::Workers(workers) => workers.map(batch),
            Ready::PerSample { workers, bounded } => {
                match Workers::start(queue(bounded.then_some(ROOM)), *workers) {
                    Ok(workers) => workers.map(batch),
                    Err(failure) => vec![Err(failure); batch.len()],
                }
            }
        }
    }

    fn serves(&self, _: &str) -> Result<(), Reason> {
        Ok(())
    }

    /// Workers get the sessions that have a request from a queue.
    fn serve(
        &self,
        ready: &mut Ready,
        service: &Arc<Service>,
        listener: TcpListener,
    ) -> Result<(), Failure> {
        match ready {
            Ready::PerSample { workers, bounded } => {
                serving::serve(*workers, bounded.then_some(ROOM), service, &listener)
            }
            Ready::Workers(_) => Err(Failure::new("prepared for another pattern")),
        }
    }

    fn fold(&self, ready: &mut Ready, batch: &Arc<Batch>) -> Output {
        let mut sum = 0_u64;
        ready.send_to_owner(batch, |value| sum = sum.wrapping_add(value))?;
        Ok(sum)
    }

    fn histogram(
        &self,
        ready: &mut Ready,
        batch: &Arc<Batch>,
        keys: usize,
    ) -> Result<Vec<u64>, Failure> {
        let mut counts = vec![0; keys];
        ready.send_to_owner(batch, |value| counts[key(value, keys)] += 1)?;
        Ok(counts)
    }

    fn pipeline(&self, ready: &mut Ready, batch: &Arc<Batch>, buffer: usize) -> Outputs {
        match ready {
            Ready::PerSample { workers, bounded } if !batch.stages().is_empty() => {
                let room = NonZeroUsize::new(buffer).unwrap_or(NonZeroUsize::MIN);
                stages::run(*workers, batch, bounded.then_some(room))
            }
            _ => self.map(ready, batch),
        }
    }
}
