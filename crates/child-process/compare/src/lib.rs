//! The model `child-process`: one child per task, as many at once as there are workers.
//!
//! A child is the runner's own program. It reads its task from standard input and writes the value
//! to standard output. This is the simplest way to run code in another process, at its full cost.

mod task;

pub use task::{TASK, run_task};

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use effective_child_process::{Command, Error, Finished, Many};
use workload::definition::Pattern;
use workload::inputs::{Header, Inputs};
use workload::model::{Batch, Description, Model, Outputs, Reason};
use workload::protocol::{Concurrency, Variant};
use workload::task::Failure;
use workload::trace::Elsewhere;

use task::{Answer, Request};

/// The model `child-process`.
#[derive(Debug, Clone)]
pub struct ChildProcessModel {
    program: PathBuf,
}

impl ChildProcessModel {
    /// A model whose children run `program`, which calls [`run_task`] if its first argument is
    /// [`TASK`].
    pub fn new(program: PathBuf) -> Self {
        Self { program }
    }
}

fn answer(result: Result<Finished, Error>) -> Result<Answer, Failure> {
    let finished = result.and_then(Finished::check).map_err(Failure::new)?;
    let text = finished.stdout_text().map_err(Failure::new)?;
    Answer::parse(text).ok_or_else(|| {
        Failure::new(format_args!(
            "the child printed no value, but {:?}",
            text.trim()
        ))
    })
}

impl Model for ChildProcessModel {
    type Ready = Many;

    fn describe(&self) -> Description {
        Description {
            name: "child-process",
            version: env!("CARGO_PKG_VERSION").to_owned(),
            variants: vec![Variant {
                name: String::new(),
                about: "A child process for each task, as many at once as there are workers."
                    .to_owned(),
                concurrency: Concurrency::Workers,
                ignores_workers: false,
            }],
        }
    }

    fn serves(&self, _: &str) -> Result<(), Reason> {
        Err(Reason(
            "a program for each request is what CGI did: starting one costs more than most answers"
                .to_owned(),
        ))
    }

    fn calls(&self, _: &str, batch: &Batch) -> Option<String> {
        let calls = batch.surroundings().job.calls()?;
        let ms = calls.made_in().as_secs_f64() * 1e3;
        Some(format!(
            "`run`, after each child made the inputs again ({ms:.1} ms for all)"
        ))
    }

    /// A merge needs all lines of all logs in one process.
    fn supports(&self, _: &str, workload: &Header) -> Result<(), Reason> {
        match workload.pattern {
            Pattern::Merge => Err(Reason(
                "a child process hands back one number, and a merge would need every line: waiting for files takes no process, follow them on threads or \
                 coroutines and merge where the lines are (Item 62)"
                    .to_owned(),
            )),
            _ => Ok(()),
        }
    }

    fn prepare(&self, _: &str, _: &Inputs, workers: usize) -> Result<Many, Failure> {
        Ok(Many::new().limit(NonZeroUsize::new(workers).unwrap_or(NonZeroUsize::MIN)))
    }

    fn map(&self, many: &mut Many, batch: &Arc<Batch>) -> Outputs {
        let inputs = batch.inputs();
        let job = batch.surroundings().job.calls();
        if batch.surroundings().files.to_str().is_none() {
            let failure = Failure::new(
                "a child gets paths as JSON, and the name of the directory with the files is not UTF-8",
            );
            return vec![Err(failure); batch.len()];
        }
        let commands = inputs.tasks.iter().map(|task| {
            let request = Request {
                tasks: inputs.tasks.len(),
                seed: inputs.header.seed,
                input: job.map(|calls| calls.input_hash(task.index)),
                snapshot: batch.snapshot().to_vec(),
                surroundings: batch.surroundings().clone(),
                task: task.clone(),
                traced: batch.is_traced(),
            };
            Command::new(&self.program)
                .arg(TASK)
                .input(request.to_bytes())
        });
        let mut outputs = vec![Err(Failure::new("not done")); batch.len()];
        let mut spans = Vec::new();
        for (index, result) in many.as_completed(commands) {
            batch.note(index);
            let answer = answer(result);
            let span = answer.as_ref().ok().and_then(|answer| answer.span);
            spans.extend(span.map(|(start_ns, end_ns)| Elsewhere {
                worker: None,
                start_ns,
                end_ns,
            }));
            outputs[index] = answer.map(|answer| answer.value);
        }
        batch.ran_elsewhere(spans);
        outputs
    }
}
