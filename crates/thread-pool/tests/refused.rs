//! Threads that the system refuses, in a process of its own, since the limit applies to the whole
//! process.
// AddressSanitizer needs more memory than the limit leaves.
#![cfg(all(target_os = "linux", not(address_sanitizer)))]

mod support;

use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use effective_thread_pool::{BuildError, ThreadPool};

/// Set in the process with limited memory.
const LIMITED: &str = "THREAD_POOL_TEST_LIMITED";

/// Runs the test of this name in a process with a limit of 2 GiB of memory.
fn run_limited(test: &str) {
    let status = Command::new("sh")
        .args(["-c", "ulimit -v 2097152 && exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--test-threads=1"])
        .env(LIMITED, "1")
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&status.stdout);
    assert!(
        status.status.success() && out.contains("1 passed"),
        "{out}{}",
        String::from_utf8_lossy(&status.stderr)
    );
}

#[test]
fn fault_7_refused_thread_is_an_error_and_leaves_none_behind() {
    if std::env::var_os(LIMITED).is_some() {
        for _ in 0..20 {
            // 2 GiB have room for a few stacks of 256 MiB, but not for 64.
            let refused = ThreadPool::builder()
                .workers(64)
                .name_prefix("denied")
                .stack_size(256 << 20)
                .build();
            match refused {
                Err(BuildError::Spawn {
                    started,
                    wanted: 64,
                    ..
                }) => assert!((1..64).contains(&started)),
                other => panic!("expected a refusal: {other:?}"),
            }
            support::eventually(|| support::threads_named("denied-") == 0);
        }
        // The resources of the refused pools have been freed.
        assert_eq!(ThreadPool::new(2).unwrap().map(0..10, |n| n).len(), 10);
        return;
    }
    run_limited("fault_7_refused_thread_is_an_error_and_leaves_none_behind");
}

#[test]
fn fault_7_jobs_run_on_fewer_threads_if_growth_is_refused() {
    const NAME: &str = "fault_7_jobs_run_on_fewer_threads_if_growth_is_refused";
    if std::env::var_os(LIMITED).is_some() {
        let pool = ThreadPool::builder()
            .workers(64)
            .min_workers(1)
            .name_prefix("some")
            .stack_size(256 << 20)
            .build()
            .unwrap();
        let handles: Vec<_> = (0..500u32)
            .map(|n| {
                pool.submit(move || {
                    std::thread::sleep(std::time::Duration::from_micros(100));
                    n
                })
                .unwrap()
            })
            .collect();
        assert!((1..64).contains(&pool.threads()));
        for (n, handle) in (0..).zip(handles) {
            assert_eq!(handle.wait().unwrap(), n);
        }
        pool.shutdown();
        support::eventually(|| support::threads_named("some-") == 0);
        return;
    }
    run_limited(NAME);
}

#[test]
fn refused_thread_is_retried_while_all_are_busy() {
    if std::env::var_os(LIMITED).is_some() {
        let pool = ThreadPool::builder()
            .workers(4)
            .min_workers(1)
            .name_prefix("again")
            .stack_size(512 << 20)
            .build()
            .unwrap();
        let (go, gone) = mpsc::channel();
        let (started, has_started) = mpsc::channel();
        let first = pool.submit(move || {
            started.send(()).unwrap();
            gone.recv_timeout(Duration::from_secs(60)).is_ok()
        });
        has_started.recv().unwrap();
        // A second stack does not fit beside this reservation, but fits once it is dropped.
        let in_the_way = Vec::<u8>::with_capacity(1_200 << 20);
        let second = pool.submit(move || go.send(()).is_ok()).unwrap();
        assert_eq!(pool.threads(), 1, "the second thread is refused");
        drop(in_the_way);
        assert!(first.unwrap().wait().unwrap(), "the second job has not run");
        assert!(second.wait().unwrap());
        pool.shutdown();
        support::eventually(|| support::threads_named("again-") == 0);
        return;
    }
    run_limited("refused_thread_is_retried_while_all_are_busy");
}

#[test]
fn impossible_stack_size_is_an_error() {
    let refused = ThreadPool::builder().workers(2).stack_size(1 << 60).build();
    assert!(
        matches!(
            refused,
            Err(BuildError::Spawn {
                started: 0,
                wanted: 2,
                ..
            })
        ),
        "{refused:?}"
    );
}
