//! The jobs of the workers.

use std::cell::RefCell;
use std::path::Path;

use effective_process_pool::job;
use workload::inputs::{self, Inputs};
use workload::job::Loaded as Job;
use workload::task::{Surroundings, run_blocking};
use workload::trace::clock_ns;

use crate::shared_memory::{Context, SharedMemory};

/// The data of a worker.
struct Loaded {
    inputs: Inputs,
    /// The inputs of a job, made again.
    job: Job,
    memory: SharedMemory,
    /// The version of the shared memory that it has read; 0 for none.
    version: u64,
    context: Context,
    snapshot: Vec<u64>,
}

thread_local! {
    static LOADED: RefCell<Option<Loaded>> = const { RefCell::new(None) };
}

job! {
    /// Loads the inputs. The shared memory will hold the rest of what tasks need.
    pub fn load(path: String, memory: SharedMemory) {
        let inputs = inputs::read(Path::new(&path)).unwrap_or_else(|error| panic!("{error}"));
        let job = Job::of(&inputs).unwrap_or_else(|error| panic!("{error}"));
        let context = Context { surroundings: Surroundings::default(), traced: false, cells: 0, job: None };
        LOADED.set(Some(Loaded { inputs, job, memory, version: 0, context, snapshot: Vec::new() }));
    }

    /// Runs the task of this number, with this version of the shared memory.
    pub fn task(index: u64, version: u64) -> Result<u64, String> {
        LOADED.with_borrow_mut(|loaded| {
            let loaded = loaded.as_mut().ok_or("no inputs have been loaded")?;
            if version != loaded.version {
                (loaded.context, loaded.snapshot) = loaded.memory.read()?;
                let job = loaded.job.clone();
                if job.calls().map(|calls| calls.inputs_hash()) != loaded.context.job {
                    return Err("the worker process made other inputs: `inputs` must return the same for the same \
                                seed".to_owned());
                }
                loaded.context.surroundings.job = job;
                loaded.version = version;
            }
            let Loaded { inputs, memory, context, snapshot, .. } = loaded;
            let tasks = &inputs.tasks;
            let task = usize::try_from(index).ok().and_then(|index| tasks.get(index));
            let task = task.ok_or("there is no such task")?;
            // Read only where it is recorded, so that a timed task has no part of this.
            let begin_ns = context.traced.then(clock_ns);
            let output = run_blocking(task, tasks.len(), snapshot, &context.surroundings);
            let output = output.map_err(|failure| failure.to_string());
            if let Some(begin_ns) = begin_ns {
                memory.note_done(task.index, begin_ns);
            }
            output
        })
    }
}
