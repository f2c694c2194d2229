//! What the workers do.

use std::cell::RefCell;
use std::path::Path;

use process_pool::{Buffer, job};
use workload::inputs::{self, Inputs};
use workload::task::{Surroundings, run_blocking};

/// What a worker knows.
struct Loaded {
    inputs: Inputs,
    shared: Buffer,
    /// The generation whose snapshot this is; with 0 there is none.
    generation: u64,
    snapshot: Vec<u64>,
}

thread_local! {
    static LOADED: RefCell<Option<Loaded>> = const { RefCell::new(None) };
}

job! {
    /// Reads the inputs; the buffer is where snapshots will be.
    pub fn load(path: String, shared: Buffer) {
        let inputs = inputs::read(Path::new(&path)).unwrap_or_else(|error| panic!("{error}"));
        LOADED.set(Some(Loaded { inputs, shared, generation: 0, snapshot: Vec::new() }));
    }

    /// Does the task of this number, in this generation.
    pub fn task(index: u64, generation: u64) -> Result<u64, String> {
        LOADED.with_borrow_mut(|loaded| {
            let loaded = loaded.as_mut().ok_or("no inputs have been loaded")?;
            if generation != loaded.generation {
                loaded.turn_to(generation);
            }
            let tasks = &loaded.inputs.tasks;
            let task = usize::try_from(index).ok().and_then(|index| tasks.get(index)).ok_or("there is no such task")?;
            run_blocking(task, tasks.len(), &loaded.snapshot, &Surroundings::default()).map_err(|failure| failure.to_string())
        })
    }
}

impl Loaded {
    fn turn_to(&mut self, generation: u64) {
        self.generation = generation;
        self.snapshot.clear();
        if generation > 0 {
            let bytes = self.shared.to_vec();
            let values = bytes
                .as_chunks::<8>()
                .0
                .iter()
                .copied()
                .map(u64::from_le_bytes);
            self.snapshot.extend(values.take(self.inputs.tasks.len()));
        }
    }
}
