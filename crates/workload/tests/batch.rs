//! The access to a batch for models that do its tasks in another process.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use workload::definition::parse;
use workload::inputs::{Inputs, make};
use workload::model::{Batch, Description, Model, Outputs};
use workload::sequential::Sequential;
use workload::task::{Failure, Surroundings};
use workload::trace::Trace;

const TASKS: usize = 4;

fn surroundings() -> Surroundings {
    Surroundings {
        files: PathBuf::from("/files"),
        origin: Some(SocketAddr::from(([127, 0, 0, 1], 80))),
        logs: PathBuf::from("/logs"),
        ..Surroundings::default()
    }
}

fn batch(pattern: &str) -> Arc<Batch> {
    let text = format!(
        "name = \"check\"\ntasks = {TASKS}\npattern = \"{pattern}\n[[step]]\ncompute = \"1us\""
    );
    let inputs = make(&parse(&text, "check").expect("the definition is right"), 1);
    Arc::new(Batch::new(Arc::new(inputs), surroundings()))
}

/// Does what `sequential` does, and keeps every snapshot that it sees.
#[derive(Default)]
struct Curious {
    seen: RefCell<Vec<Vec<u64>>>,
}

impl Model for Curious {
    type Ready = ();

    fn describe(&self) -> Description {
        Sequential.describe()
    }

    fn prepare(&self, _: &str, _: &Inputs, _: usize) -> Result<(), Failure> {
        Ok(())
    }

    fn map(&self, (): &mut (), batch: &Arc<Batch>) -> Outputs {
        assert_eq!(*batch.surroundings(), surroundings());
        self.seen.borrow_mut().push(batch.snapshot().to_vec());
        Sequential.map(&mut (), batch)
    }
}

#[test]
fn snapshot_has_values_of_the_previous_generation() {
    let batch = batch("rounds\"\n[rounds]\ngenerations = 3");
    let seeds: Vec<u64> = batch.inputs().tasks.iter().map(|task| task.seed).collect();
    let model = Curious::default();
    let last = model.run(&mut (), &batch);
    let seen = model.seen.into_inner();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[0], seeds);
    assert!(seen[1] != seen[0] && seen[2] != seen[1] && seen[2].len() == TASKS);
    // The last snapshot alone leads to the same outputs.
    let again: Outputs = batch
        .inputs()
        .tasks
        .iter()
        .map(|task| workload::task::run_blocking(task, TASKS, &seen[2], &Surroundings::default()))
        .collect();
    assert_eq!(again, last);
}

#[test]
fn without_rounds_there_is_no_snapshot() {
    let model = Curious::default();
    model.run(&mut (), &batch("map\""));
    assert_eq!(model.seen.into_inner(), [Vec::<u64>::new()]);
}

#[test]
fn surroundings_come_back_from_json_as_they_were() {
    for surroundings in [surroundings(), Surroundings::default()] {
        let json = serde_json::to_string(&surroundings).unwrap();
        let back: Surroundings = serde_json::from_str(&json).unwrap();
        assert_eq!(back, surroundings);
    }
}

#[test]
fn tasks_that_were_done_elsewhere_are_noted_when_they_were() {
    let plain = batch("map\"");
    assert!(!plain.is_traced());
    plain.note(0);

    let trace = Arc::new(Trace::start(TASKS));
    let traced = plain.traced(Arc::clone(&trace));
    assert!(traced.is_traced());
    thread::sleep(Duration::from_millis(20));
    traced.note(0);
    traced.note_ago(1, Duration::from_millis(10));
    // No task was done before the sample began.
    traced.note_ago(2, Duration::from_secs(3_600));
    traced.note(3);
    let at = |share| Duration::from_nanos(trace.quantile_ns(share).unwrap());
    assert_eq!(at(0.25), Duration::ZERO);
    assert!(at(0.5) >= Duration::from_millis(10));
    assert!(at(0.5) < at(1.0));
    assert!(at(0.75) >= Duration::from_millis(20));
}
