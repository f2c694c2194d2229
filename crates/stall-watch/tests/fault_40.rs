//! Fault 40: one worker sleeps or spins; all do; the runtime is idle for long; the machine was
//! suspended. Workers here are threads with a single-threaded executor each; `tests/tokio.rs` has
//! the same on tokio.

mod support;

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use effective_stall_watch::{Phase, StallWatch};
use futures::executor::block_on;
use futures::future::poll_fn;
use support::{
    LONG, Reports, THRESHOLD, eventually, is_named, listen, spin_until, within_deadline,
};

const ROUNDS: usize = 5;

/// One worker blocks its loop with `block`, while another makes progress.
fn one_is_blocked(block: impl Fn(&Reports) + Send + Sync + 'static) {
    within_deadline(move || {
        for _ in 0..ROUNDS {
            let (reports, watch) = listen();
            let (busy, stuck) = (watch.named("busy"), watch.named("stuck"));
            thread::scope(|scope| {
                scope.spawn(|| {
                    while reports.all().is_empty() {
                        block_on(busy.wrap(async { thread::sleep(Duration::from_millis(1)) }));
                    }
                });
                let worker = thread::Builder::new().name("worker 7".to_owned());
                worker
                    .spawn_scoped(scope, || block_on(stuck.wrap(async { block(&reports) })))
                    .unwrap();
            });
            let all = reports.all();
            let began = all.iter().find(|stall| is_named(stall, "stuck")).unwrap();
            assert_eq!(began.phase, Phase::Began);
            let thread = began.thread.as_ref().unwrap();
            assert_eq!(thread.name.as_deref(), Some("worker 7"));
            assert_eq!(began.task.as_ref().unwrap().location.file(), file!());
        }
    });
}

#[test]
fn fault_40_sleeping_worker_is_reported_while_it_sleeps() {
    one_is_blocked(|reports| drop(reports.wait_for(|stall| is_named(stall, "stuck"))));
}

#[test]
fn fault_40_spinning_worker_is_reported_while_it_spins() {
    one_is_blocked(|reports| {
        spin_until(|| reports.all().iter().any(|stall| is_named(stall, "stuck")));
    });
}

#[test]
fn fault_40_each_of_all_blocked_workers_is_reported() {
    within_deadline(|| {
        for _ in 0..ROUNDS {
            let (reports, watch) = listen();
            let together = Barrier::new(4);
            thread::scope(|scope| {
                for worker in 0..4 {
                    let spot = watch.named(format!("worker {worker}"));
                    let (reports, together) = (&reports, &together);
                    scope.spawn(move || {
                        block_on(spot.wrap(async {
                            together.wait();
                            reports.wait_for_begun(4);
                        }));
                    });
                }
            });
            let all = reports.all();
            for worker in 0..4 {
                let name = format!("worker {worker}");
                assert!(all.iter().any(|stall| is_named(stall, &name)), "{all:?}");
            }
            let last = all.iter().rfind(|stall| stall.phase == Phase::Began);
            let last = last.unwrap();
            assert_eq!((last.blocked, last.watched), (4, 4));
            assert!(last.to_string().contains("all 4 watched threads"), "{last}");
        }
    });
}

#[test]
fn fault_40_long_idleness_is_no_stall() {
    within_deadline(|| {
        let (reports, watch) = listen();
        for _ in 0..3 {
            let mut polled = false;
            let spot = watch.named("waits");
            block_on(spot.wrap(poll_fn(|context| {
                if polled {
                    return std::task::Poll::Ready(());
                }
                polled = true;
                let waker = context.waker().clone();
                // Pending for many thresholds, so that the watchdog dozes.
                thread::spawn(move || {
                    thread::sleep(20 * THRESHOLD);
                    waker.wake();
                });
                std::task::Poll::Pending
            })));
            watch.assert_none();
        }
        block_on(watch.named("stuck").wrap(async {
            reports.wait_for(|stall| is_named(stall, "stuck"));
        }));
    });
}

#[test]
fn fault_40_busy_threads_are_no_stall() {
    within_deadline(|| {
        // Polls of a hundredth of the threshold, without a pause. On a busy machine a thread may
        // wait for a core for longer than the threshold, which is a stall: then the test tries
        // again.
        for _ in 0..10 {
            let threshold = Duration::from_millis(500);
            let watch = StallWatch::new(threshold).unwrap();
            let end = Instant::now() + Duration::from_secs(2);
            let longest = thread::scope(|scope| {
                let spin = || {
                    let mut longest = Duration::ZERO;
                    while Instant::now() < end {
                        let begun = Instant::now();
                        let until = begun + threshold / 100;
                        block_on(watch.wrap(async { spin_until(|| Instant::now() >= until) }));
                        longest = longest.max(begun.elapsed());
                    }
                    longest
                };
                let spinning = [(); 4].map(|()| scope.spawn(spin));
                spinning
                    .map(|thread| thread.join().unwrap())
                    .into_iter()
                    .max()
            });
            if longest < Some(threshold) {
                watch.assert_none();
                assert!(watch.stats().poll_times.count() > 4);
                return;
            }
        }
        eprintln!("skipped: in each try a thread waited for a core for longer than the threshold");
    });
}

/// The process that is stopped: polls of half the threshold, and an idle thread.
#[test]
#[ignore = "started by the test below, in a process of its own"]
fn child() {
    use std::io::Write as _;

    let reports = Reports::default();
    let watch = reports.listen(StallWatch::builder(Duration::from_millis(200)));
    #[cfg(feature = "tokio")]
    let runtime = support::two_workers(&watch);
    #[cfg(feature = "tokio")]
    let _watched = {
        runtime.spawn(async {
            loop {
                spin_until({
                    let until = Instant::now() + Duration::from_millis(2);
                    move || Instant::now() >= until
                });
                tokio::task::yield_now().await;
            }
        });
        watch.runtime(runtime.handle().clone())
    };
    // Not `println`, which the harness captures.
    writeln!(std::io::stderr(), "ready").unwrap();
    let honest = watch.named("honest");
    let end = Instant::now() + Duration::from_secs(4);
    while Instant::now() < end {
        honest.run(|| thread::sleep(Duration::from_millis(100)));
    }
    watch.assert_none();
    let overslept = watch.stats().overslept;
    watch.named("stuck").run(|| {
        reports.wait_for(|stall| is_named(stall, "stuck"));
    });
    writeln!(std::io::stderr(), "overslept {overslept}").unwrap();
}

#[cfg(unix)]
#[test]
fn fault_40_stopped_and_continued_process_is_no_stall() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    within_deadline(|| {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--ignored", "--nocapture"])
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let pid = child.id();
        let signal = |name: &str| {
            let line = format!("kill -{name} {pid}");
            assert!(
                Command::new("sh")
                    .args(["-c", &line])
                    .status()
                    .unwrap()
                    .success()
            );
        };
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        for pause in [330, 410, 290] {
            thread::sleep(Duration::from_millis(pause));
            signal("STOP");
            thread::sleep(Duration::from_millis(700));
            signal("CONT");
        }
        let words: Vec<String> = lines.map(Result::unwrap).collect();
        assert!(child.wait().unwrap().success(), "{words:?}");
        let last = words.last().unwrap();
        let overslept: u64 = last.strip_prefix("overslept ").unwrap().parse().unwrap();
        assert!(overslept >= 3, "the watchdog did not notice the stops");
    });
}

#[test]
fn thread_that_exits_while_reported_is_forgotten() {
    within_deadline(|| {
        let (reports, watch) = listen();
        for round in 0..ROUNDS {
            let spot = watch.named("short-lived");
            let listener = reports.clone();
            let thread = thread::spawn(move || {
                block_on(spot.wrap(async { listener.wait_for_begun(round + 1) }));
            });
            thread.join().unwrap();
        }
        eventually(|| reports.count(Phase::Ended) == ROUNDS);
        eventually(|| watch.stats().ongoing == 0);
        assert_eq!(watch.stats().poll_times.count(), ROUNDS as u64);
        assert!(watch.stats().poll_times.longest() < LONG);
    });
}
