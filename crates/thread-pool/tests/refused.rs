//! The system refuses a thread. In a process of its own, since the limit is the whole process's.
#![cfg(target_os = "linux")]

mod common;

use std::process::Command;

use thread_pool::{BuildError, ThreadPool};

/// Set in the process whose memory is limited.
const LIMITED: &str = "THREAD_POOL_TEST_LIMITED";

#[test]
fn a_refused_thread_is_an_error_and_leaves_no_thread_behind() {
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
    let status = Command::new("sh")
        .args(["-c", "ulimit -v 2097152 && exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "a_refused_thread_is_an_error_and_leaves_no_thread_behind",
            "--test-threads=1",
        ])
        .env(LIMITED, "1")
        .output()
        .unwrap();
    assert!(
        status.status.success(),
        "{}{}",
        String::from_utf8_lossy(&status.stdout),
        String::from_utf8_lossy(&status.stderr)
    );
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
