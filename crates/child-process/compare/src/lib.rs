//! `child-process` as a contestant: a child for each task, as many at once as there are workers.
//!
//! The child is the runner's own program, started anew. It gets its task on standard input and writes the value to standard
//! output: the plainest way to run something in another process, with everything that this costs.

mod task;

pub use task::{TASK, do_one_task};

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use child_process::{Command, Error, Finished, Many};
use workload::inputs::{Header, Inputs};
use workload::model::{Batch, Description, Model, Outputs, Reason};
use workload::protocol::{Concurrency, Variant};
use workload::task::{Failure, Output};

use task::Handed;

/// The model `child-process`.
#[derive(Debug, Clone)]
pub struct ChildProcessModel {
    program: PathBuf,
}

impl ChildProcessModel {
    /// A model whose children are this program, which calls [`do_one_task`] when its first argument is [`TASK`].
    pub fn new(program: PathBuf) -> Self {
        Self { program }
    }

    /// Each task in a child of its own; `snapshot` is empty but for the pattern `rounds`.
    fn children(&self, many: &Many, batch: &Batch, snapshot: &[u64]) -> Outputs {
        let inputs = batch.inputs();
        let commands = inputs.tasks.iter().map(|task| {
            let handed = Handed {
                tasks: inputs.tasks.len(),
                snapshot: snapshot.to_vec(),
                task: task.clone(),
            };
            Command::new(&self.program)
                .arg(TASK)
                .input(handed.to_bytes())
        });
        many.map(commands).into_iter().map(output).collect()
    }
}

fn output(result: Result<Finished, Error>) -> Output {
    let finished = result.and_then(Finished::check).map_err(Failure::new)?;
    let text = finished.stdout_text().map_err(Failure::new)?.trim();
    u64::from_str_radix(text, 16)
        .map_err(|_| Failure::new(format_args!("the child printed no value, but {text:?}")))
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

    fn supports(&self, _: &str, workload: &Header) -> Result<(), Reason> {
        // A batch does not tell where its files and its server are, so no child can be told.
        for step in ["fetch", "read"] {
            if workload.actions.iter().any(|action| action == step) {
                return Err(Reason(format!(
                    "a child knows only what it is handed, and this runner hands it its task but neither the folder nor \
                     the server that `{step}` needs"
                )));
            }
        }
        Ok(())
    }

    fn prepare(&self, _: &str, _: &Inputs, workers: usize) -> Result<Many, Failure> {
        Ok(Many::new().limit(NonZeroUsize::new(workers).unwrap_or(NonZeroUsize::MIN)))
    }

    fn map(&self, many: &mut Many, batch: &Arc<Batch>) -> Outputs {
        self.children(many, batch, &[])
    }

    fn rounds(&self, many: &mut Many, batch: &Arc<Batch>, generations: u32) -> Outputs {
        let mut snapshot: Vec<u64> = batch.inputs().tasks.iter().map(|task| task.seed).collect();
        let mut outputs: Outputs = snapshot.iter().copied().map(Ok).collect();
        for _ in 0..generations {
            outputs = self.children(many, batch, &snapshot);
            match outputs.iter().cloned().collect() {
                Ok(values) => snapshot = values,
                // A failed cell has no value to go on from.
                Err(_) => return outputs,
            }
        }
        outputs
    }
}
