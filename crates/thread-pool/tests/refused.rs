//! The system refuses a thread. In a process of its own, since the limit is the whole process's.
// AddressSanitizer wants more memory for itself than the limit leaves.
#![cfg(all(target_os = "linux", not(address_sanitizer)))]

mod common;

use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use effective_thread_pool::{BuildError, ThreadPool};

/// Set in the process whose memory is limited.
const LIMITED: &str = "THREAD_POOL_TEST_LIMITED";

/// Runs that test of this file in a process that may have 2 GiB of memory.
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
fn fault_07_a_refused_thread_is_an_error_and_leaves_no_thread_behind() {
    if std::env::var_os(LIMITED).is_some() {
        for _ in 0..20 {
            // 2 GiB hold some stacks of 256 MiB, and not 64.
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
            common::eventually(|| common::threads_named("denied-") == 0);
        }
        // What was refused has been given back.
        assert_eq!(ThreadPool::new(2).unwrap().map(0..10, |n| n).len(), 10);
        return;
    }
    run_limited("fault_07_a_refused_thread_is_an_error_and_leaves_no_thread_behind");
}

#[test]
fn fault_07_a_thread_that_is_refused_while_the_pool_grows_leaves_the_jobs_to_the_others() {
    const NAME: &str =
        "fault_07_a_thread_that_is_refused_while_the_pool_grows_leaves_the_jobs_to_the_others";
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
        common::eventually(|| common::threads_named("some-") == 0);
        return;
    }
    run_limited(NAME);
}

#[test]
fn a_thread_refused_once_is_asked_for_again_while_all_are_busy() {
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
        // A second stack does not fit beside these addresses, and does a moment later.
        let in_the_way = Vec::<u8>::with_capacity(1_200 << 20);
        let second = pool.submit(move || go.send(()).is_ok()).unwrap();
        assert_eq!(pool.threads(), 1, "the second thread is refused");
        drop(in_the_way);
        assert!(first.unwrap().wait().unwrap(), "the second job has not run");
        assert!(second.wait().unwrap());
        pool.shutdown();
        common::eventually(|| common::threads_named("again-") == 0);
        return;
    }
    run_limited("a_thread_refused_once_is_asked_for_again_while_all_are_busy");
}

#[test]
fn a_stack_that_no_system_has_is_an_error() {
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
