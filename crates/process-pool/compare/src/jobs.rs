//! What the workers do.

use std::cell::RefCell;
use std::path::Path;

use effective_process_pool::job;
use workload::inputs::{self, Inputs};
use workload::task::{Surroundings, run_blocking};

use crate::board::{Board, Told};

/// What a worker knows.
struct Loaded {
    inputs: Inputs,
    board: Board,
    /// The turn in which it read the board; with 0 it has not.
    turn: u64,
    told: Told,
    snapshot: Vec<u64>,
}

thread_local! {
    static LOADED: RefCell<Option<Loaded>> = const { RefCell::new(None) };
}

job! {
    /// Reads the inputs; on the board will be what else the tasks need.
    pub fn load(path: String, board: Board) {
        let inputs = inputs::read(Path::new(&path)).unwrap_or_else(|error| panic!("{error}"));
        let told = Told { surroundings: Surroundings::default(), traced: false, cells: 0 };
        LOADED.set(Some(Loaded { inputs, board, turn: 0, told, snapshot: Vec::new() }));
    }

    /// Does the task of this number, in this turn.
    pub fn task(index: u64, turn: u64) -> Result<u64, String> {
        LOADED.with_borrow_mut(|loaded| {
            let loaded = loaded.as_mut().ok_or("no inputs have been loaded")?;
            if turn != loaded.turn {
                (loaded.told, loaded.snapshot) = loaded.board.read()?;
                loaded.turn = turn;
            }
            let Loaded { inputs, board, told, snapshot, .. } = loaded;
            let tasks = &inputs.tasks;
            let task = usize::try_from(index).ok().and_then(|index| tasks.get(index)).ok_or("there is no such task")?;
            let output = run_blocking(task, tasks.len(), snapshot, &told.surroundings).map_err(|failure| failure.to_string());
            if told.traced {
                board.note(task.index);
            }
            output
        })
    }
}
