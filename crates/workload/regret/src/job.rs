//! The real jobs, each behind a function from the number of a task to the hash of its output.

use std::fmt::{self, Debug};
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::pin::Pin;
use std::sync::Arc;

/// The seed of all inputs.
const SEED: u64 = 7;

/// Runs a task and returns the hash of its output.
pub type Call = Arc<dyn Fn(usize) -> u64 + Send + Sync>;

/// The same as a future.
pub type CallAsync = Arc<dyn Fn(usize) -> Pin<Box<dyn Future<Output = u64> + Send>> + Send + Sync>;

/// The future of a task.
type Calling<O> = Pin<Box<dyn Future<Output = Result<O, String>> + Send>>;

/// A job with its inputs.
#[derive(Clone)]
pub struct Real {
    /// Its name, which is also that of its folder.
    pub name: &'static str,
    /// How many tasks it has.
    pub tasks: usize,
    /// Runs one of them.
    pub call: Call,
    /// Runs one as a future on tokio, if the job has that.
    pub call_async: Option<CallAsync>,
}

impl Debug for Real {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {} tasks", self.name, self.tasks)
    }
}

/// The names of all jobs.
pub const NAMES: [&str; 8] = [
    "hash-tree",
    "compress",
    "sqlite",
    "http",
    "thumbnails",
    "logs",
    "json-call",
    "programs",
];

/// The job of this name, with its inputs made.
pub fn named(name: &str) -> Option<Real> {
    let name = NAMES.into_iter().find(|known| *known == name)?;
    Some(match name {
        "hash-tree" => blocking(name, hash_tree::TASKS, hash_tree::inputs, hash_tree::run),
        "compress" => blocking(name, compress::TASKS, compress::inputs, compress::run),
        "sqlite" => blocking(name, sqlite::TASKS, sqlite::inputs, sqlite::run),
        "thumbnails" => blocking(name, thumbnails::TASKS, thumbnails::inputs, thumbnails::run),
        "logs" => blocking(name, logs::TASKS, logs::inputs, logs::run),
        "http" => both(
            name,
            http::TASKS,
            http::inputs,
            http::run,
            |inputs, task| Box::pin(async move { http::run_async(&inputs[task]).await }),
        ),
        "json-call" => both(
            name,
            json_call::TASKS,
            json_call::inputs,
            json_call::run,
            |inputs, task| Box::pin(async move { json_call::run_async(&inputs[task]).await }),
        ),
        _ => both(
            name,
            programs::TASKS,
            programs::inputs,
            programs::run,
            |inputs, task| Box::pin(async move { programs::run_async(&inputs[task]).await }),
        ),
    })
}

fn blocking<I, O>(
    name: &'static str,
    tasks: usize,
    inputs: fn(usize, u64) -> Vec<I>,
    run: fn(&I) -> Result<O, String>,
) -> Real
where
    I: Send + Sync + 'static,
    O: Hash + 'static,
{
    let inputs = inputs(tasks, SEED);
    Real {
        name,
        tasks,
        call: Arc::new(move |task| hash(run(&inputs[task]))),
        call_async: None,
    }
}

/// `run_async` runs the task of this number with its input among these.
fn both<I, O>(
    name: &'static str,
    tasks: usize,
    inputs: fn(usize, u64) -> Vec<I>,
    run: fn(&I) -> Result<O, String>,
    run_async: fn(Arc<Vec<I>>, usize) -> Calling<O>,
) -> Real
where
    I: Send + Sync + 'static,
    O: Hash + 'static,
{
    let kept = Arc::new(inputs(tasks, SEED));
    Real {
        call_async: Some(Arc::new(move |task| {
            let call = run_async(kept.clone(), task);
            Box::pin(async move { hash(call.await) })
        })),
        ..blocking(name, tasks, inputs, run)
    }
}

/// With the same keys in every process. An error would repeat as well as a result does, so it
/// ends the measurement.
fn hash(output: Result<impl Hash, String>) -> u64 {
    let mut hasher = DefaultHasher::new();
    match output {
        Ok(output) => output.hash(&mut hasher),
        Err(error) => panic!("a task failed: {error}"),
    }
    hasher.finish()
}
