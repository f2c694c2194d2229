//! Backtraces of blocked threads.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

mod child;
mod hazards;
mod jit;
mod quality;
#[path = "../support/mod.rs"]
mod support;

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use effective_stall_watch::{Backtrace, Phase, Stall, StallWatch};
use futures::executor::block_on;
use support::{LONG, Reports, THRESHOLD, spin_until, within_deadline};

fn listen() -> (Reports, StallWatch) {
    let reports = Reports::default();
    let watch = reports.listen(StallWatch::builder(5 * THRESHOLD).backtraces());
    (reports, watch)
}

fn location(stall: &Stall) -> (String, u32) {
    let frame = stall.backtrace.as_ref().unwrap().location().unwrap();
    let file = frame.file.as_ref().unwrap().file_name().unwrap();
    (file.to_str().unwrap().to_owned(), frame.line.unwrap())
}

/// Sleeps until the flag is set, in a function of its own. Returns the line of the sleep.
#[inline(never)]
fn sleep_until(flag: &AtomicBool) -> u32 {
    while !flag.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_secs(2));
    }
    line!() - 2
}

#[test]
fn backtrace_points_at_the_line_that_sleeps() {
    within_deadline(|| {
        let (reports, watch) = listen();
        let flag = AtomicBool::new(false);
        let line = thread::scope(|scope| {
            let sleeper = scope.spawn(|| block_on(watch.wrap(async { sleep_until(&flag) })));
            reports.wait_for(|stall| stall.backtrace.is_some());
            flag.store(true, Ordering::Relaxed);
            sleeper.join().unwrap()
        });
        let stall = &reports.wait_for(|stall| stall.backtrace.is_some());
        assert_eq!(location(stall), ("main.rs".to_owned(), line));
        let backtrace = stall.backtrace.as_ref().unwrap();
        let frames = backtrace.frames();
        let functions: Vec<_> = frames
            .iter()
            .filter_map(|frame| frame.function.as_deref())
            .collect();
        let sleeper = functions
            .iter()
            .position(|name| name.contains("sleep_until"));
        assert!(
            sleeper.unwrap() > 0,
            "the system's own frames come first: {functions:?}"
        );
        assert!(
            !functions
                .iter()
                .any(|name| name.contains("effective_stall_watch::")),
            "neither the handler nor the wrapper: {functions:?}"
        );
        assert!(stall.to_string().contains("sleep_until"), "{stall}");
        assert!(!stall.to_string().contains('\n'));
        assert!(format!("{stall:#}").lines().count() > 2);
        let over = reports.wait_for(|stall| stall.phase == Phase::Ended);
        assert!(over.backtrace.is_none());
    });
}

#[test]
fn backtrace_finds_a_thread_that_spins() {
    within_deadline(|| {
        let (reports, watch) = listen();
        // On a busy machine the thread may not answer within the time that the watcher waits, and a
        // report then has no backtrace. So it spins again.
        let has_backtrace = || reports.all().iter().any(|stall| stall.backtrace.is_some());
        while !has_backtrace() {
            let seen = reports.all().len();
            watch
                .named("x")
                .run(|| spin_until(|| reports.all().len() > seen));
        }
        let stall = &reports.wait_for(|stall| stall.backtrace.is_some());
        let frames = stall.backtrace.as_ref().unwrap().frames();
        let spins = |name: &String| name.contains("spin_until");
        assert!(
            frames
                .iter()
                .any(|frame| frame.function.as_ref().is_some_and(spins)),
            "{frames:?}"
        );
    });
}

/// Allocation and std's locks, which the signal interrupts at any point.
#[test]
fn interrupted_threads_continue() {
    within_deadline(|| {
        let reports = Reports::default();
        let watch = reports.listen(
            StallWatch::builder(Duration::from_millis(2))
                .backtraces()
                .reports_per_second(10_000),
        );
        let start = std::time::Instant::now();
        let taken = || {
            let all = reports.all();
            all.iter().filter(|stall| stall.backtrace.is_some()).count()
        };
        // On a busy machine few of the threads are running when they are asked.
        let continues = || start.elapsed() < Duration::from_secs(2) || taken() <= 20;
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut sum = 0_usize;
                    while continues() && start.elapsed() < LONG {
                        let until = std::time::Instant::now() + Duration::from_millis(5);
                        watch.named("works").run(|| {
                            while std::time::Instant::now() < until {
                                let text: Vec<String> = (0..50).map(|n| n.to_string()).collect();
                                sum += black_box(text.concat()).len();
                                let caught = std::panic::catch_unwind(|| {
                                    std::panic::resume_unwind(Box::new(1_u8))
                                });
                                assert!(caught.is_err());
                            }
                        });
                    }
                    assert!(sum > 0);
                });
            }
        });
        assert!(taken() > 20, "{} backtraces", taken());
    });
}

#[cfg(feature = "tokio")]
#[test]
fn unwrapped_task_of_a_runtime_is_found_by_its_line() {
    within_deadline(|| {
        let (reports, watch) = listen();
        let runtime = support::two_workers(&watch);
        runtime.block_on(async { tokio::time::sleep(Duration::from_millis(50)).await });
        let _watched = watch.runtime(runtime.handle().clone());
        let flag = std::sync::Arc::new(AtomicBool::new(false));
        let set = std::sync::Arc::clone(&flag);
        let sleeper = runtime.spawn(async move { sleep_until(&set) });
        reports.wait_for(|stall| stall.backtrace.is_some());
        flag.store(true, Ordering::Relaxed);
        let line = runtime.block_on(sleeper).unwrap();
        let stall = &reports.wait_for(|stall| stall.backtrace.is_some());
        assert_eq!(location(stall), ("main.rs".to_owned(), line));
        assert!(stall.task.is_none());
    });
}

/// Real-time signals queue up, and the queue's limit is the user's, not the process's.
#[test]
fn thread_that_blocks_signals_gets_none_queued() {
    within_deadline(|| {
        let reports = Reports::default();
        let watch = reports.listen(
            StallWatch::builder(Duration::from_millis(20))
                .backtraces()
                .reports_per_second(1_000),
        );
        let stalls = thread::spawn({
            let reports = reports.clone();
            move || {
                // SAFETY: both sets are valid for the call, and the mask is this thread's own.
                unsafe {
                    let mut all = std::mem::zeroed();
                    libc::sigfillset(&raw mut all);
                    libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut());
                }
                for count in 1..=5 {
                    let deaf = watch.named("deaf");
                    deaf.run(|| spin_until(|| reports.count(Phase::Began) >= count));
                }
                let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
                let pending = status.lines().find(|line| line.starts_with("SigPnd:"));
                pending.unwrap().to_owned()
            }
        });
        let pending = stalls.join().unwrap();
        assert_eq!(pending.trim_end_matches('0'), "SigPnd:\t", "{pending}");
        assert!(reports.all().iter().all(|stall| stall.backtrace.is_none()));
    });
}

#[test]
fn backtraces_are_send_sync_and_clone() {
    fn crosses<T: Clone + Send + Sync + 'static>() {}
    crosses::<Backtrace>();
}
