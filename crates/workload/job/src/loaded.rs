//! A job as the runners see it: its type of input is hidden.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use workload::job::{About, Calling, Calls, Job};
use workload::task::{Failure, Output};
use workload::value::digest_outputs;

use super::builder::{Inputs, Run, RunAsync};
use super::check;
use super::value::{Value, hash};

/// The job of this program.
pub(crate) struct Registered<I> {
    inputs: Inputs<I>,
    functions: Arc<Functions<I>>,
    about: About,
}

/// The function in both forms.
struct Functions<I> {
    run: Run<I>,
    run_async: Option<RunAsync<I>>,
    /// Whether outputs are hashed.
    hashed: bool,
}

/// The function and its inputs.
struct Loaded<I> {
    functions: Arc<Functions<I>>,
    /// The index of the first input.
    first: usize,
    inputs: Vec<I>,
    hashes: Vec<u64>,
    all: u64,
    made_in: Duration,
}

impl<I: Value + Send + Sync + 'static> Registered<I> {
    pub(crate) fn new(
        inputs: Inputs<I>,
        run: Run<I>,
        run_async: Option<RunAsync<I>>,
        about: About,
    ) -> Registered<I> {
        Registered {
            inputs,
            functions: Arc::new(Functions {
                run,
                run_async,
                hashed: about.repeatable,
            }),
            about,
        }
    }

    /// Makes inputs and picks some of them.
    fn made(
        &self,
        tasks: usize,
        seed: u64,
        first: usize,
        pick: impl FnOnce(&mut dyn Iterator<Item = I>) -> Result<Vec<I>, Failure>,
    ) -> Result<Arc<dyn Calls>, Failure> {
        let begin = Instant::now();
        let made = catch_unwind(AssertUnwindSafe(|| pick(&mut *(self.inputs)(tasks, seed))));
        let call = format!("`inputs({tasks}, {seed})`");
        let inputs = made.unwrap_or_else(|payload| {
            let words = payload
                .downcast_ref::<&str>()
                .copied()
                .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
                .unwrap_or("a payload that is not text");
            Err(Failure::new(format_args!("panicked: {words}")))
        });
        let inputs = inputs.map_err(|why| Failure::new(format_args!("{call} {why}")))?;
        let made_in = begin.elapsed();
        let hashes: Vec<u64> = inputs.iter().map(hash).collect();
        Ok(Arc::new(Loaded {
            functions: Arc::clone(&self.functions),
            first,
            inputs,
            all: digest_outputs(hashes.iter().copied()),
            hashes,
            made_in,
        }))
    }
}

impl<I: Value + Send + Sync + 'static> Job for Registered<I> {
    fn about(&self) -> About {
        self.about
    }

    fn load(&self, tasks: usize, seed: u64) -> Result<Arc<dyn Calls>, Failure> {
        self.made(tasks, seed, 0, |inputs| {
            // One more than needed shows that there are too many, however many there are.
            let made: Vec<I> = inputs.take(tasks.saturating_add(1)).collect();
            match made.len() {
                found if found == tasks => Ok(made),
                found if found < tasks => Err(Failure::new(format_args!(
                    "returned {found} inputs: it must return one per task; repeat some, or compare with `--tasks {found}`"
                ))),
                _ => Err(Failure::new(
                    "returned more inputs than tasks: it must return one per task; leave out the others",
                )),
            }
        })
    }

    fn load_one(&self, tasks: usize, seed: u64, index: usize) -> Result<Arc<dyn Calls>, Failure> {
        self.made(tasks, seed, index, |inputs| {
            let one = inputs.nth(index);
            one.map(|one| vec![one])
                .ok_or_else(|| Failure::new("returned fewer inputs than tasks"))
        })
    }

    fn check_inputs(&self, tasks: usize, seed: u64, calls: &dyn Calls) -> Result<(), Failure> {
        check::inputs(tasks, seed, calls.inputs_hash())
    }
}

impl<I: Value + Send + Sync + 'static> Calls for Loaded<I> {
    fn input_hash(&self, index: usize) -> u64 {
        self.hashes[index - self.first]
    }

    fn inputs_hash(&self) -> u64 {
        self.all
    }

    fn made_in(&self) -> Duration {
        self.made_in
    }

    fn run(&self, index: usize) -> Output {
        (self.functions.run)(&self.inputs[index - self.first], self.functions.hashed)
    }

    fn run_async(self: Arc<Self>, index: usize) -> Option<Calling> {
        let run_async = self.functions.run_async.clone()?;
        Some(Box::pin(async move {
            let input = &self.inputs[index - self.first];
            run_async(input, self.functions.hashed).await
        }))
    }
}
