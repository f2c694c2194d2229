//! `queue` as a contestant: workers that get their tasks from a queue and put the outputs into another one, from which one
//! thread adds them up or counts them where the workload wants that, and stages where it has some.

mod crew;
mod serving;
mod stages;

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

use crate::crew::Crew;

/// Room for tasks in the default variant: as in Item 55, where it keeps the producer from running ahead.
const ROOM: NonZeroUsize = NonZeroUsize::new(128).unwrap();

/// The model `queue`.
#[derive(Debug, Clone, Copy)]
pub struct QueueModel;

/// Workers that wait for tasks, made once and used by all samples; for a pipeline only how many, since its threads live
/// no longer than the run.
#[derive(Debug)]
pub enum Ready {
    /// Any pattern but a pipeline.
    Crew(Crew),
    /// The stages of a pipeline.
    Stages {
        /// For each of them.
        workers: usize,
        /// Whether the workload's bound holds between two of them.
        bounded: bool,
    },
    /// A server.
    Serving {
        /// How many take requests.
        workers: usize,
        /// Sessions that may wait for a worker, if there is a bound.
        room: Option<NonZeroUsize>,
    },
}

impl Ready {
    fn send_to_owner(
        &self,
        batch: &Arc<Batch>,
        add: impl FnMut(u64) + Send,
    ) -> Result<(), Failure> {
        match self {
            Ready::Crew(crew) => crew.send_to_owner(batch, add),
            _ => Err(Failure::new("only a crew of workers adds up and counts")),
        }
    }
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
                    "Workers get tasks from a bounded queue, which is joined; a pipeline has real stages, each with that many workers.",
                ),
                variant(
                    "unbounded",
                    "The queue has no bound: all tasks are put at once; so have the stages of a pipeline.",
                ),
            ],
        }
    }

    fn prepare(&self, variant: &str, inputs: &Inputs, workers: usize) -> Result<Ready, Failure> {
        if let Pattern::Pipeline { .. } = inputs.header.pattern {
            return Ok(Ready::Stages {
                workers,
                bounded: variant != "unbounded",
            });
        }
        if let Pattern::Serve { .. } = inputs.header.pattern {
            return Ok(Ready::Serving {
                workers,
                room: (variant != "unbounded").then_some(ROOM),
            });
        }
        let tasks = match variant {
            "unbounded" => Queue::unbounded(),
            _ => Queue::bounded(ROOM),
        };
        Crew::start(tasks, workers).map(Ready::Crew)
    }

    fn map(&self, ready: &mut Ready, batch: &Arc<Batch>) -> Outputs {
        match ready {
            Ready::Crew(crew) => crew.map(batch),
            Ready::Stages { workers, .. } | Ready::Serving { workers, .. } => {
                stages::one(*workers, batch)
            }
        }
    }

    fn serves(&self, _: &str) -> Result<(), Reason> {
        Ok(())
    }

    /// Workers get from a queue which session has something to say.
    fn serve(
        &self,
        ready: &mut Ready,
        service: &Arc<Service>,
        listener: TcpListener,
    ) -> Result<(), Failure> {
        match ready {
            Ready::Serving { workers, room } => serving::serve(*workers, *room, service, &listener),
            _ => Err(Failure::new("nothing was made ready to serve with")),
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
            Ready::Stages { workers, bounded } => {
                // Room for all is what no bound comes to.
                let room = if *bounded { buffer } else { batch.len() };
                stages::all(*workers, batch, room.max(1))
            }
            Ready::Crew(crew) => crew.map(batch),
            Ready::Serving { workers, .. } => stages::one(*workers, batch),
        }
    }
}
