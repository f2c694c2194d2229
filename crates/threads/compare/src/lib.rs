//! The runner of `threads`: a thread per task, with and without a limit.

use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::sync::Arc;

use effective_threads::{Threads, max_live_threads};
use workload::definition::Pattern;
use workload::inputs::{Header, Inputs};
use workload::model::{Batch, Description, Model, Outputs, Reason};
use workload::protocol::{Concurrency, Variant};
use workload::serve::Service;
use workload::task::Failure;

/// The limit of the variant `limited`: enough to overlap waits, and few enough to cost little
/// memory.
const LIMIT: NonZeroUsize = NonZeroUsize::new(32).unwrap();

/// The model `threads`.
#[derive(Debug, Clone, Copy)]
pub struct ThreadsModel;

impl Model for ThreadsModel {
    type Ready = Threads;

    fn describe(&self) -> Description {
        Description {
            name: "threads",
            version: env!("CARGO_PKG_VERSION").to_owned(),
            variants: vec![
                Variant {
                    name: String::new(),
                    about: "A scoped thread per task, all at once up to a limit of the system."
                        .to_owned(),
                    concurrency: Concurrency::Tasks,
                    ignores_workers: true,
                },
                Variant {
                    name: "limited".to_owned(),
                    about: format!("A scoped thread per task, {LIMIT} at once."),
                    concurrency: Concurrency::Limited(LIMIT.get()),
                    ignores_workers: true,
                },
                Variant {
                    name: "cores".to_owned(),
                    about: "A scoped thread per task, as many at once as there are workers."
                        .to_owned(),
                    concurrency: Concurrency::Workers,
                    ignores_workers: false,
                },
            ],
        }
    }

    fn supports(&self, variant: &str, workload: &Header) -> Result<(), Reason> {
        match workload.pattern {
            Pattern::Serve { sessions, .. } if !variant.is_empty() => Err(Reason(format!(
                "a thread serves one session to its end: with fewer threads than the {sessions} \
                 sessions, some sessions would never be served"
            ))),
            _ => Ok(()),
        }
    }

    fn serves(&self, _: &str) -> Result<(), Reason> {
        Ok(())
    }

    /// One thread per session, from its first byte to its last.
    fn serve(
        &self,
        threads: &mut Threads,
        service: &Arc<Service>,
        listener: TcpListener,
    ) -> Result<(), Failure> {
        let most = max_live_threads();
        if service.sessions() > most {
            return Err(Failure::new(format_args!(
                "this system allows {most} threads at once, fewer than the {} sessions",
                service.sessions()
            )));
        }
        let mut refused = None;
        let sessions = listener.incoming().take(service.sessions());
        let sessions =
            sessions.map_while(|stream| stream.map_err(|error| refused = Some(error)).ok());
        // An error on one connection does not affect the others.
        threads.map(sessions, |stream| drop(service.converse(&stream)));
        refused.map_or(Ok(()), |error| Err(Failure::new(error)))
    }

    fn prepare(&self, variant: &str, _: &Inputs, workers: usize) -> Result<Threads, Failure> {
        Ok(match variant {
            "limited" => Threads::new().limit(LIMIT),
            "cores" => {
                Threads::new().limit(NonZeroUsize::new(workers).unwrap_or(NonZeroUsize::MIN))
            }
            _ => Threads::new(),
        })
    }

    fn map(&self, threads: &mut Threads, batch: &Arc<Batch>) -> Outputs {
        threads
            .map(0..batch.len(), |index| batch.run(index))
            .into_iter()
            .map(|result| result.unwrap_or_else(|error| Err(Failure::new(error))))
            .collect()
    }
}
