//! A runner written against the protocol, with the tasks done by the `workload` crate.

use std::sync::Arc;
use std::time::Instant;

use workload::inputs;
use workload::model::{Batch, Model as _};
use workload::protocol::{Hello, PROTOCOL, Reply, Request, Sample};
use workload::sequential::Sequential;
use workload::task::Surroundings;
use workload::value::digest_outputs;

/// What it has loaded and how often it was asked.
#[derive(Default)]
pub(crate) struct Honest {
    loaded: Option<Arc<Batch>>,
    samples: u32,
    /// Whether one of the values of this request is to be wrong, by one bit.
    pub(crate) plants: bool,
}

impl Honest {
    /// The request by its name, and by its name with a number.
    pub(crate) fn count(&mut self, request: &Request) -> (String, String) {
        let name = match request {
            Request::Hello { .. } => "hello",
            Request::Load(_) => "load",
            Request::Sample => "sample",
            Request::Trace => "trace",
            _ => "other",
        };
        if *request == Request::Sample {
            self.samples += 1;
        }
        (name.to_owned(), format!("{name}{}", self.samples))
    }

    /// The right reply.
    pub(crate) fn reply(&mut self, request: Request) -> Reply {
        match request {
            Request::Hello { .. } => Reply::Hello(Hello {
                protocol: PROTOCOL,
                name: "foreign".to_owned(),
                version: "1.2.3".to_owned(),
                variants: Vec::new(),
                can: Vec::new(),
                own_threads: 0,
            }),
            Request::Load(load) => {
                let inputs = inputs::read(&load.place.inputs).expect("inputs");
                let surroundings = Surroundings {
                    files: load.place.files.unwrap_or_default(),
                    origin: load.place.origin,
                };
                self.loaded = Some(Arc::new(Batch::new(Arc::new(inputs), surroundings)));
                Reply::Loaded { setup_ns: 1 }
            }
            Request::Sample => {
                let start = Instant::now();
                let digest = self.digest();
                Reply::Sample(Sample {
                    digest,
                    wall_ns: u64::try_from(start.elapsed().as_nanos()).expect("not for ever"),
                    usage: None,
                    metrics: Default::default(),
                })
            }
            Request::Trace => Reply::Trace {
                digest: self.digest(),
                metrics: Default::default(),
            },
            other => Reply::Failed {
                error: format!("{other:?} is not for this runner"),
            },
        }
    }

    fn digest(&self) -> u64 {
        let batch = self.loaded.as_ref().expect("loaded");
        let outputs = Sequential.run(&mut (), batch);
        let mut values: Vec<u64> = outputs
            .into_iter()
            .map(|output| output.expect("an output"))
            .collect();
        if self.plants {
            *values.last_mut().expect("a value") ^= 1;
        }
        digest_outputs(values)
    }
}
