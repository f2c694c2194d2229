//! Limits that end a job, named in its error, and the default number of workers.

use std::path::{Path, PathBuf};
use std::{env, fs};

use effective_process_pool::{Exit, JobError, ProcessPool};

use crate::jobs::*;
use crate::support::checks::{alone, deadline};
use crate::support::rerun::{is_inner, passes};

const LIMIT: u64 = 256 << 20;

#[test]
#[cfg_attr(address_sanitizer, ignore = "AddressSanitizer reserves memory itself")]
fn memory_limit_is_named_in_error() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let pool = ProcessPool::builder(&program)
        .workers(1)
        .memory_limit(LIMIT)
        .build()
        .unwrap();
    let ends = |result: Result<usize, JobError>| match result {
        Err(JobError::OutOfMemory { limit }) => assert_eq!(limit, LIMIT),
        other => panic!("{other:?}"),
    };
    for bytes in [300 << 20, 1 << 30, 1 << 40] {
        ends(pool.submit::<take_memory>(bytes).unwrap().wait());
        ends(
            pool.submit::<take_memory_on_a_thread>(bytes)
                .unwrap()
                .wait(),
        );
    }
    let error = pool
        .submit::<take_memory>(1 << 30)
        .unwrap()
        .wait()
        .unwrap_err();
    assert!(error.to_string().contains(&LIMIT.to_string()), "{error}");
    // An abort for another reason is a crash.
    match pool.submit::<cope_and_abort>(1 << 30).unwrap().wait() {
        Err(JobError::Crashed(crash)) => assert_eq!(crash.exit(), Exit::Signal(6)),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        pool.submit::<take_memory>(1 << 20).unwrap().wait().unwrap(),
        1 << 20
    );
}

#[test]
#[cfg_attr(address_sanitizer, ignore = "AddressSanitizer reserves memory itself")]
fn memory_limit_is_named_with_and_without_backtraces() {
    let program = program();
    if !is_inner() {
        for backtrace in ["RUST_BACKTRACE=0", "RUST_BACKTRACE=1"] {
            passes(
                "limits::memory_limit_is_named_with_and_without_backtraces",
                &["env", backtrace],
            );
        }
        return;
    }
    assert!(env::var_os("RUST_BACKTRACE").is_some());
    let pool = ProcessPool::builder(&program)
        .workers(1)
        .memory_limit(LIMIT)
        .build()
        .unwrap();
    let result = pool.submit::<take_memory>(1 << 30).unwrap().wait();
    assert!(
        matches!(result, Err(JobError::OutOfMemory { limit: LIMIT })),
        "{result:?}"
    );
    drop(pool);
    // An initializer that needs too much memory reports the limit too.
    let pool = ProcessPool::builder(&program)
        .workers(1)
        .memory_limit(LIMIT)
        .initializer::<start_too_large>(1 << 30)
        .build()
        .unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let why = loop {
        match pool.submit::<double>(1) {
            Err(error) => break error.to_string(),
            Ok(handle) => drop(handle),
        }
        assert!(std::time::Instant::now() < until);
    };
    assert!(why.contains(&format!("limit of {LIMIT} bytes")), "{why}");
}

#[test]
fn default_workers_follow_cpu_quota() {
    let program = program();
    if is_inner() {
        let pool = ProcessPool::builder(&program).build().unwrap();
        assert_eq!(pool.workers(), 1);
        let results = pool.map::<double>(0..100);
        assert!(results.into_iter().all(|result| result.is_ok()));
        return;
    }
    let Some(group) = Quota::of_half_a_processor() else {
        eprintln!("skipped default_workers_follow_cpu_quota: no control group can be made here");
        return;
    };
    let enter = format!(
        "echo $$ > {}/cgroup.procs && exec \"$@\"",
        group.0.display()
    );
    passes(
        "limits::default_workers_follow_cpu_quota",
        &["sh", "-c", &enter, "sh"],
    );
}

/// A control group with a limit on CPU time, of version 1 or 2. Removed on drop.
struct Quota(PathBuf);

impl Quota {
    fn of_half_a_processor() -> Option<Self> {
        let name = format!("process-pool-test-{}", std::process::id());
        for (root, file, text) in [
            ("/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "50000"),
            ("/sys/fs/cgroup", "cpu.max", "50000 100000"),
        ] {
            let is_one = Path::new(root).join("cgroup.procs").exists();
            let group = Path::new(root).join(&name);
            if is_one && fs::create_dir(&group).is_ok() {
                let quota = Self(group);
                if fs::write(quota.0.join(file), text).is_ok() {
                    return Some(quota);
                }
            }
        }
        None
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}
