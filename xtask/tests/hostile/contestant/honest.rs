//! A runner written against the protocol, with the tasks done by the `workload` crate.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use workload::definition::Pattern;
use workload::inputs;
use workload::model::{Batch, Model as _};
use workload::protocol::{Concurrency, Hello, PROTOCOL, Reply, Request, Sample, Variant};
use workload::sequential::Sequential;
use workload::serve::{Order, Report, Service, listen};
use workload::task::Surroundings;
use workload::value::digest_outputs;

/// The loaded inputs, and the number of requests so far.
#[derive(Default)]
pub(crate) struct Honest {
    loaded: Option<Arc<Batch>>,
    /// How many samples of this life it was asked for.
    pub(crate) samples: u32,
    pub(crate) inputs: PathBuf,
    pub(crate) requests: Option<SocketAddr>,
    /// Whether it declares the concurrency `workers`.
    pub(crate) has_workers: bool,
    /// Whether it does its tasks while loading, and the digest of their outputs.
    pub(crate) remembers: bool,
    pub(crate) remembered: Option<u64>,
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
                variants: self.variants(),
                can: Vec::new(),
                own_threads: 0,
                job: None,
            }),
            Request::Load(load) => {
                let inputs = inputs::read(&load.sources.inputs).expect("inputs");
                let surroundings = Surroundings {
                    files: load.sources.files.unwrap_or_default(),
                    origin: load.sources.origin,
                    logs: load.sources.inputs.parent().expect("a folder").to_owned(),
                    ..Surroundings::default()
                };
                self.loaded = Some(Arc::new(Batch::new(Arc::new(inputs), surroundings)));
                self.inputs = load.sources.inputs;
                self.requests = load.sources.requests;
                if self.remembers {
                    self.remembered = Some(self.digest());
                }
                Reply::Loaded {
                    setup_ns: 1,
                    calls: None,
                }
            }
            Request::Sample if self.serves() => self.served(true),
            Request::Trace if self.serves() => self.served(false),
            Request::Sample => {
                let start = Instant::now();
                let digest = self.digest();
                Reply::Sample(Sample {
                    digest,
                    wall_ns: u64::try_from(start.elapsed().as_nanos()).expect("fits in 64 bits"),
                    usage: None,
                    metrics: Default::default(),
                })
            }
            Request::Trace => Reply::Trace {
                digest: self.digest(),
                metrics: Default::default(),
                timeline: None,
            },
            other => Reply::Failed {
                error: format!("{other:?} is not for this runner"),
            },
        }
    }

    fn variants(&self) -> Vec<Variant> {
        let variant = Variant {
            name: String::new(),
            about: String::new(),
            concurrency: Concurrency::Workers,
            ignores_workers: false,
        };
        self.has_workers.then_some(variant).into_iter().collect()
    }

    /// The loaded tasks.
    pub(crate) fn batch(&self) -> &Arc<Batch> {
        self.loaded.as_ref().expect("loaded")
    }

    /// The right digest of these tasks, done one after another.
    pub(crate) fn digest_of(batch: &Arc<Batch>) -> u64 {
        let outputs = Sequential.run(&mut (), batch);
        digest_outputs(outputs.into_iter().map(|output| output.expect("an output")))
    }

    fn serves(&self) -> bool {
        let pattern = |batch: &Arc<Batch>| batch.inputs().header.pattern;
        matches!(
            self.loaded.as_ref().map(pattern),
            Some(Pattern::Serve { .. })
        )
    }

    /// Serves as `sequential` does; with a wrong value, since the last task starts from another
    /// one.
    pub(crate) fn served(&self, timed: bool) -> Reply {
        let batch = self.loaded.as_ref().expect("loaded");
        let mut inputs = batch.inputs().clone();
        if self.plants {
            inputs.tasks.last_mut().expect("a task").seed ^= 1;
        }
        let batch = Batch::new(Arc::new(inputs), batch.surroundings().clone());
        let service = Arc::new(Service::new(Arc::new(batch)).expect("the pattern serve"));
        let listener = listen().expect("a port");
        let order = Order {
            inputs: self.inputs.clone(),
            server: listener.local_addr().expect("bound"),
        };
        let ordered = order
            .send(self.requests.expect("the program `requests`"))
            .expect("it listens");
        let served = Sequential.serve(&mut (), &service, listener);
        served.expect("it serves to the end");
        match ordered.report(Duration::from_secs(30)).expect("a report") {
            Report::Failed { error } => Reply::Failed { error },
            Report::Done {
                wall_ns,
                digest,
                metrics,
            } if timed => Reply::Sample(Sample {
                digest,
                wall_ns,
                usage: None,
                metrics,
            }),
            Report::Done {
                digest, metrics, ..
            } => Reply::Trace {
                digest,
                metrics,
                timeline: None,
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
