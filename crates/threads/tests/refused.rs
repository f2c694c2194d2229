//! What happens when the system refuses threads. The limits belong to a process, so each case runs in one of its own:
//! this very program, started again for one test and told so by an environment variable.
#![cfg(target_os = "linux")]

use std::env;
use std::process::{self, Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use threads::{TaskError, Threads};

const MARKER: &str = "THREADS_TEST_CHILD";

/// How the child says that the body ran to its end. A child that found no test of that name would exit with 0.
const DONE: i32 = 42;

/// Run `body` in a child process, which must get to its end in time.
fn in_a_child(test: &str, body: impl FnOnce()) {
    if env::var_os(MARKER).is_some() {
        body();
        process::exit(DONE);
    }
    let mut child = Command::new(env::current_exe().expect("the test knows its program"))
        .args(["--exact", test, "--nocapture"])
        .env(MARKER, "1")
        .stdin(Stdio::null())
        .spawn()
        .expect("the test program starts again");
    let deadline = Instant::now() + Duration::from_secs(30);
    let status = loop {
        if let Some(status) = child.try_wait().expect("the child can be waited for") {
            break status;
        }
        if Instant::now() > deadline {
            child.kill().expect("the child can be killed");
            child.wait().expect("the child can be waited for");
            panic!("the child hangs");
        }
        thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(status.code(), Some(DONE), "{status}");
}

fn lower(resource: Resource, soft: u64) {
    let limit = Rlimit {
        current: Some(soft),
        ..getrlimit(resource)
    };
    setrlimit(resource, limit).expect("a soft limit can be lowered");
}

/// Counts what runs at once.
#[derive(Default)]
struct Gauge {
    now: AtomicUsize,
    peak: AtomicUsize,
}

impl Gauge {
    fn during<R>(&self, work: impl FnOnce() -> R) -> R {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.peak.fetch_max(now, Ordering::SeqCst);
        let result = work();
        self.now.fetch_sub(1, Ordering::SeqCst);
        result
    }

    fn peak(&self) -> usize {
        self.peak.load(Ordering::SeqCst)
    }
}

#[test]
fn a_refused_thread_waits_for_another_to_end_and_no_task_is_lost() {
    in_a_child(
        "a_refused_thread_waits_for_another_to_end_and_no_task_is_lost",
        || {
            // Room for a handful of stacks of this size. What a refusal leaves over is plenty for a thread that still
            // starts: one that gets no memory would abort the process.
            lower(Resource::As, 2 << 30);
            let gauge = Gauge::default();
            let results = Threads::new().stack_size(256 << 20).map(0..60, |n| {
                gauge.during(|| thread::sleep(Duration::from_millis(5)));
                n
            });
            let values: Vec<_> = results
                .into_iter()
                .map(|result| result.expect("the task runs"))
                .collect();
            assert_eq!(values, (0..60).collect::<Vec<_>>());
            assert!((1..=8).contains(&gauge.peak()), "{}", gauge.peak());
        },
    );
}

#[test]
fn a_refused_thread_does_not_wait_beyond_the_deadline() {
    in_a_child("a_refused_thread_does_not_wait_beyond_the_deadline", || {
        lower(Resource::As, 2 << 30);
        let threads = Threads::new()
            .stack_size(256 << 20)
            .deadline(Duration::from_millis(300));
        let results = threads.map(0..60, |_| thread::sleep(Duration::from_millis(350)));
        let started = results.iter().take_while(|result| result.is_ok()).count();
        assert!((1..=8).contains(&started), "{started}");
        assert!(
            results[started..]
                .iter()
                .all(|result| matches!(result, Err(TaskError::NotStarted))),
            "{results:?}"
        );
    });
}

#[test]
fn the_ceiling_holds_over_all_calls_together() {
    in_a_child("the_ceiling_holds_over_all_calls_together", || {
        // Far above what the user runs already, so that it is the ceiling that binds, and not the system.
        lower(Resource::Nproc, 2_000);
        assert!(
            threads::max_live_threads() <= 1_000,
            "{}",
            threads::max_live_threads()
        );
        const PATIENCE: Duration = Duration::from_secs(10);
        let (gauge, both) = (Gauge::default(), Barrier::new(2));
        let (ceiling, start) = (threads::max_live_threads(), Instant::now());
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    both.wait();
                    let results = threads::map(0..1_200, |_| {
                        gauge.during(|| {
                            // However slowly they start: none ends before there are many.
                            while gauge.peak() < ceiling / 2 && start.elapsed() < PATIENCE {
                                thread::sleep(Duration::from_millis(20));
                            }
                            thread::sleep(Duration::from_millis(80));
                        });
                    });
                    assert!(results.iter().all(Result::is_ok));
                });
            }
        });
        assert!(
            (ceiling / 2..=ceiling).contains(&gauge.peak()),
            "{}",
            gauge.peak()
        );
    });
}

#[test]
fn a_task_that_can_never_have_a_thread_says_so() {
    let start = Instant::now();
    let results = Threads::new()
        .stack_size(usize::MAX / 4)
        .map(0..1_000, |n| n);
    assert_eq!(results.len(), 1_000);
    for result in results {
        let error = result.expect_err("no system has that much memory");
        assert!(matches!(error, TaskError::Refused(_)), "{error}");
        assert!(error.to_string().contains("smaller stack"), "{error}");
    }
    // The patience is for all of them together, not a tenth of a second for each.
    assert!(start.elapsed() < Duration::from_secs(30));
}
