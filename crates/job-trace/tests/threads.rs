//! Closures on threads: none is lost, and each is recorded once.

#![cfg(target_os = "linux")]

mod support;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use effective_job_trace::{Recorder, Summary};
use support::{Recording, count, number};

const THREADS: usize = 64;

#[test]
fn tasks_of_64_threads_are_all_recorded() {
    let recording = Recording::new();
    let together = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                together.wait();
                for _ in 0..1_000 {
                    recording.recorder.task(|| std::hint::black_box(1));
                }
            });
        }
    });
    let (summary, tasks) = recording.finish();
    let expected = Summary {
        tasks: 64_000,
        ..Summary::default()
    };
    assert_eq!(summary, expected);
    let threads: BTreeSet<u64> = tasks.iter().map(|task| number(task, "thread")).collect();
    assert_eq!(threads.len(), THREADS);
}

#[test]
fn tasks_of_live_threads_are_in_the_trace() {
    let recording = Recording::new();
    let (recorded, finished) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                recording.recorder.task(|| ());
                recorded.wait();
                finished.wait();
                recording.recorder.task(|| ());
            });
        }
        recorded.wait();
        let (summary, _) = recording.finish();
        assert_eq!((summary.tasks, summary.unfinished), (THREADS as u64, 0));
        finished.wait();
    });
    assert_eq!(
        recording.read().len(),
        THREADS,
        "nothing is written after the end"
    );
}

#[test]
fn tasks_of_threads_that_come_and_go_are_recorded() {
    let recording = Recording::new();
    for _ in 0..50 {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let recorder = recording.recorder.clone();
                thread::spawn(move || (0..3).for_each(|_| recorder.task(|| ())))
            })
            .collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    }
    assert_eq!(recording.finish().0.tasks, 50 * 8 * 3);
}

#[test]
fn task_in_the_destructor_of_a_thread_local_is_recorded() {
    struct Late(Recorder);
    impl Drop for Late {
        fn drop(&mut self) {
            self.0.task(|| ());
        }
    }
    thread_local! {
        static LATE: std::cell::RefCell<Option<Late>> = const { std::cell::RefCell::new(None) };
    }
    let recording = Recording::new();
    let recorder = recording.recorder.clone();
    // The destructors of thread-locals run in the reverse order of their first use, or the other
    // way round: one of the two comes after the recorder's own.
    let first = recorder.clone();
    thread::spawn(move || {
        LATE.with(|late| *late.borrow_mut() = Some(Late(first.clone())));
        first.task(|| ());
    })
    .join()
    .unwrap();
    thread::spawn(move || {
        recorder.task(|| ());
        LATE.with(|late| *late.borrow_mut() = Some(Late(recorder.clone())));
    })
    .join()
    .unwrap();
    assert_eq!(recording.finish().0.tasks, 4);
}

#[test]
fn panicking_tasks_are_recorded_and_go_on_panicking() {
    let recording = Recording::new();
    for round in 0..20 {
        let result = catch_unwind(AssertUnwindSafe(|| {
            recording
                .recorder
                .task(|| assert!(round % 2 == 0, "as planned"));
        }));
        assert_eq!(result.is_err(), round % 2 == 1);
    }
    let (summary, tasks) = recording.finish();
    assert_eq!((summary.tasks, summary.unfinished), (20, 0));
    assert_eq!((count(&tasks, "done"), count(&tasks, "panicked")), (10, 10));
}

#[test]
fn nested_task_is_a_part_of_the_outer_one() {
    let recording = Recording::new();
    let recorder = &recording.recorder;
    let value = recorder.task(|| recorder.task(|| 1) + recorder.task(|| 2));
    assert_eq!(value, 3);
    recorder.task(|| ());
    let (summary, _) = recording.finish();
    assert_eq!(
        (summary.tasks, summary.nested, summary.unfinished),
        (2, 2, 0)
    );
}

#[test]
fn two_recorders_on_a_thread_do_not_mix() {
    let (one, other) = (Recording::new(), Recording::new());
    one.recorder
        .task(|| other.recorder.task(|| other.recorder.task(|| ())));
    one.recorder.task(|| ());
    assert_eq!(one.finish().0.tasks, 2);
    let (summary, _) = other.finish();
    assert_eq!((summary.tasks, summary.nested), (1, 1));
}

#[test]
fn running_task_is_counted_as_unfinished() {
    let recording = Recording::new();
    let (running, is_running) = mpsc::channel();
    let (end, may_end) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(|| {
            recording.recorder.task(move || {
                running.send(()).unwrap();
                may_end.recv().unwrap();
            });
        });
        is_running.recv().unwrap();
        let (summary, tasks) = recording.finish();
        assert_eq!((summary.tasks, summary.unfinished), (0, 1));
        assert_eq!(tasks.len(), 0);
        assert_eq!(
            recording.recorder.finish().unwrap(),
            summary,
            "the same at a second call"
        );
        end.send(()).unwrap();
    });
    assert!(!recording.recorder.is_on());
}

#[test]
fn tasks_beyond_a_million_are_counted() {
    const TASKS: u64 = 1_001_000;
    let recorder = Recorder::to_file("/dev/null").unwrap();
    (0..TASKS).for_each(|_| recorder.task(|| ()));
    let summary = recorder.finish().unwrap();
    assert!(
        (999_000..=1_000_000).contains(&summary.tasks),
        "{summary:?}"
    );
    assert_eq!(
        (summary.tasks + summary.over, summary.unfinished),
        (TASKS, 0)
    );
}

#[test]
fn recorder_that_is_off_runs_the_task() {
    let recorder = Recorder::off();
    assert!(!recorder.is_on());
    assert_eq!(recorder.task(|| 3), 3);
    assert_eq!(futures::executor::block_on(recorder.future(async { 4 })), 4);
    assert_eq!(recorder.finish().unwrap(), Summary::default());
}

#[test]
fn waiting_and_computing_are_told_apart() {
    let recording = Recording::new();
    recording
        .recorder
        .task(|| thread::sleep(Duration::from_millis(40)));
    recording.recorder.task(|| {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(20) {
            std::hint::spin_loop();
        }
    });
    let (_, tasks) = recording.finish();
    let [waiting, computing] = &tasks[..] else {
        panic!("{tasks:?}");
    };
    let wall = |task| number(task, "end_ns") - number(task, "start_ns");
    assert!(wall(waiting) >= 40_000_000, "{waiting}");
    assert!(number(waiting, "cpu_ns") < 20_000_000, "{waiting}");
    assert!(number(waiting, "switches") >= 1, "{waiting}");
    // On a busy machine it is preempted, which is neither.
    assert!(wall(computing) >= 20_000_000, "{computing}");
    assert_eq!(number(computing, "switches"), 0, "{computing}");
    assert!(number(computing, "cpu_ns") > 0, "{computing}");
}

/// With more threads than processors, the time in the run queue is not the task's own.
#[test]
fn time_without_a_processor_is_queued() {
    let recording = Recording::new();
    let threads = 4 * thread::available_parallelism().unwrap().get();
    let together = Barrier::new(threads);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                together.wait();
                recording.recorder.task(|| {
                    let begun = Instant::now();
                    while begun.elapsed() < Duration::from_millis(200) {
                        std::hint::spin_loop();
                    }
                });
            });
        }
    });
    let (_, tasks) = recording.finish();
    let sum = |key| tasks.iter().map(|task| number(task, key)).sum::<u64>();
    let wall_ns = sum("end_ns") - sum("start_ns");
    let rest_ns = wall_ns - sum("cpu_ns") - sum("queued_ns");
    assert!(
        sum("queued_ns") > wall_ns / 4,
        "queued {} of {wall_ns} ns",
        sum("queued_ns")
    );
    assert!(
        rest_ns < wall_ns / 4,
        "{rest_ns} of {wall_ns} ns are neither"
    );
}
