//! The cost of recording a task, against plain readings of the same clocks and a `tracing` span.

mod readings;
mod spans;

use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use effective_job_trace::Recorder;
use futures::executor::block_on;
use workload_rivals::{Contest, Settings, timed};

use readings::Readings;
use spans::Spans;

fn main() {
    let settings = Settings::from_args();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recorder = || Recording::new(folder.path().join("trace.jsonl"));
    contest(
        &settings,
        "a task that does nothing",
        20_000,
        &recorder,
        || (),
    );
    contest(
        &settings,
        "a task that computes for 20 µs",
        500,
        &recorder,
        || {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_micros(20) {
                std::hint::spin_loop();
            }
        },
    );
    contest(
        &settings,
        "a task that sleeps for 100 µs",
        200,
        &recorder,
        || {
            thread::sleep(Duration::from_micros(100));
        },
    );
    futures(&settings, &recorder);
}

/// A recorder whose trace is replaced once it is full, so that no round is one without writing.
struct Recording {
    path: std::path::PathBuf,
    recorder: Recorder,
    tasks: u64,
}

impl Recording {
    fn new(path: std::path::PathBuf) -> Recording {
        let recorder = Recorder::to_file(&path).expect("the folder takes a file");
        Recording {
            path,
            recorder,
            tasks: 0,
        }
    }

    /// A recorder with room for that many tasks.
    fn room(&mut self, tasks: u64) -> &Recorder {
        self.tasks += tasks;
        if self.tasks > 500_000 {
            *self = Recording::new(self.path.clone());
        }
        &self.recorder
    }
}

fn contest(
    settings: &Settings,
    title: &str,
    tasks: u64,
    recorder: &dyn Fn() -> Recording,
    task: impl Fn() + Copy,
) {
    let mut on = recorder();
    let off = Recorder::off();
    let spans = Spans::default();
    Contest::new(title, "task", tasks)
        .ours("recorded", move || {
            let recorder = on.room(tasks);
            cpu_timed(|| (0..tasks).for_each(|_| recorder.task(task)))
        })
        .rival("the clocks read before and after", move || {
            let mut kept = Vec::new();
            cpu_timed(|| (0..tasks).for_each(|_| kept.push(black_box(Readings::of(task)))))
        })
        .rival("a `tracing` span, two times kept", move || {
            cpu_timed(|| {
                spans.collect(|| {
                    (0..tasks).for_each(|_| tracing::info_span!("task").in_scope(task));
                });
            })
        })
        .limit("recorder off", move || {
            cpu_timed(|| (0..tasks).for_each(|_| black_box(&off).task(task)))
        })
        .limit("bare", move || {
            cpu_timed(|| (0..tasks).for_each(|_| black_box(task)()))
        })
        .reach(1.0, "the clocks read before and after")
        .run(settings);
}

/// The CPU time of the thread, so that sleeping does not count.
fn cpu_timed(work: impl FnOnce()) -> Duration {
    let begun = readings::cpu();
    work();
    readings::cpu() - begun
}

fn futures(settings: &Settings, recorder: &dyn Fn() -> Recording) {
    const TASKS: u64 = 20_000;
    let (mut ready, mut once) = (recorder(), recorder());
    Contest::new("a future that is pending once", "future", TASKS)
        .ours("recorded", move || {
            let recorder = once.room(TASKS);
            timed(|| each(TASKS, || recorder.future(pending_once())))
        })
        .limit("recorded, ready at once", move || {
            let recorder = ready.room(TASKS);
            timed(|| each(TASKS, || recorder.future(async {})))
        })
        .limit("recorder off", || {
            timed(|| each(TASKS, || Recorder::off().future(pending_once())))
        })
        .limit("bare", || timed(|| each(TASKS, pending_once)))
        .run(settings);
}

fn each<F: Future>(tasks: u64, make: impl Fn() -> F) {
    block_on(async {
        for _ in 0..tasks {
            make().await;
        }
    });
}

async fn pending_once() {
    let mut is_woken = false;
    poll_fn(|context| {
        if std::mem::replace(&mut is_woken, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
