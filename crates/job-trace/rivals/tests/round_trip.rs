//! A trace of the recorder, read by the workload that replays it.

#![cfg(target_os = "linux")]

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use effective_job_trace::Recorder;
use futures::FutureExt as _;
use workload::definition::{load, of_trace};
use workload::inputs::make;

#[test]
fn recorded_trace_is_read_and_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("orders.jsonl");
    let recorder = Recorder::to_file(&trace).unwrap();
    for _ in 0..3 {
        recorder.task(|| thread::sleep(Duration::from_millis(3)));
    }
    drop(catch_unwind(AssertUnwindSafe(|| {
        recorder.task(|| panic!("as planned"))
    })));
    futures::executor::block_on(recorder.future(async {}));
    assert_eq!(recorder.future(pending::<()>()).now_or_never(), None);
    drop(recorder.future(pending::<()>()));
    assert_eq!(recorder.finish().unwrap().tasks, 7);

    let read = of_trace(&trace).unwrap();
    let replay = read.replay.as_ref().unwrap();
    assert_eq!(
        replay.tasks().len(),
        6,
        "all but the future that was never polled"
    );
    // Later ones may wait too, as the panic does for the program's debug information.
    let sleeps = &replay.tasks()[..3];
    assert!(
        sleeps.iter().all(|task| task.wait_ns >= 2_000_000),
        "{sleeps:?}"
    );

    let path = folder.path().join("replay.toml");
    let text = "name = \"orders\"\npattern = \"map\"\n[replay]\nfile = \"orders.jsonl\"\n";
    std::fs::write(&path, text).unwrap();
    let definition = load(&path).unwrap();
    assert_eq!(definition.replay, read.replay);
    assert_eq!(make(&definition, 600).tasks.len(), 6);
}

#[test]
fn trace_of_many_batches_has_the_checksum_of_its_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.jsonl");
    let recorder = Recorder::to_file(&path).unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..1_000).for_each(|index| recorder.task(|| drop(vec![0; index]))));
        }
    });
    recorder.finish().unwrap();
    assert_eq!(
        of_trace(&path).unwrap().replay.unwrap().tasks().len(),
        8_000
    );

    let text = std::fs::read_to_string(&path).unwrap();
    let edited = text.replacen("\"thread\":1,", "\"thread\":9,", 1);
    std::fs::write(&path, edited).unwrap();
    let error = of_trace(&path).unwrap_err().to_string();
    assert!(error.contains("the trace was edited"), "{error}");
}

#[test]
fn trace_without_an_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.jsonl");
    let recorder = Recorder::to_file(&path).unwrap();
    (0..1_000).for_each(|_| recorder.task(|| ()));
    let error = of_trace(&path).unwrap_err().to_string();
    assert!(error.contains("without its last line"), "{error}");
}
