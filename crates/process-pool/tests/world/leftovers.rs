//! Effects of one job on the next in the same worker.

use std::fs;

use effective_process_pool::{Buffer, ProcessPool};

use crate::jobs::*;
use crate::support::rerun::inner;

#[test]
fn closed_descriptors_do_not_harm_next_jobs() {
    let program = program();
    let Some(_deadline) = inner(closed_descriptors_do_not_harm_next_jobs, &[]) else {
        return;
    };
    let pool = ProcessPool::new(&program, 1).unwrap();
    for served in [0, 1] {
        for round in 0..3 {
            for _ in 0..served {
                pool.submit::<double>(1).unwrap().wait().unwrap();
            }
            pool.submit::<close_all>(()).unwrap().wait().unwrap();
            match round {
                0 => {
                    let sum = pool.submit::<sum>(vec![1; 100_000]).unwrap().wait();
                    assert_eq!(sum.unwrap(), 100_000);
                }
                1 => {
                    let buffer = vec![Buffer::new(10).unwrap()];
                    assert_eq!(pool.submit::<count>(buffer).unwrap().wait().unwrap(), 1);
                }
                _ => {
                    let folder = tempfile::tempdir().unwrap();
                    let path = folder.path().to_str().unwrap().to_owned();
                    pool.submit::<open_files>(path.clone())
                        .unwrap()
                        .wait()
                        .unwrap();
                    for number in 0..20 {
                        let handle = pool.submit::<double>(number).unwrap();
                        assert_eq!(futures_wait(handle), 2 * number);
                    }
                    // The worker wrote nothing of its own into the files that took the numbers.
                    for at in 0..20 {
                        let written = fs::read(format!("{path}/{at}")).unwrap();
                        assert!(written.is_empty(), "{written:?}");
                    }
                }
            }
        }
    }
}

/// Waits through a callback, so that the supervisor must notice the end.
fn futures_wait(handle: effective_process_pool::Handle<u64>) -> u64 {
    let (tell, told) = std::sync::mpsc::channel();
    handle.on_done(move |result| tell.send(result.unwrap()).unwrap());
    told.recv_timeout(std::time::Duration::from_secs(30))
        .unwrap()
}

#[test]
fn leaked_descriptors_do_not_harm_next_jobs() {
    let program = program();
    let Some(_deadline) = inner(leaked_descriptors_do_not_harm_next_jobs, &[]) else {
        return;
    };
    limit_descriptors(256);
    let pool = ProcessPool::new(&program, 1).unwrap();
    for _ in 0..3 {
        pool.submit::<leak>(()).unwrap().wait().unwrap();
        let sum = pool.submit::<sum>(vec![1; 100_000]).unwrap().wait();
        assert_eq!(sum.unwrap(), 100_000);
        pool.submit::<leak>(()).unwrap().wait().unwrap();
        let large = pool.submit::<big>(100_000).unwrap().wait();
        assert_eq!(large.unwrap().len(), 100_000);
        pool.submit::<leak>(()).unwrap().wait().unwrap();
        let buffer = vec![Buffer::new(10).unwrap()];
        assert_eq!(pool.submit::<count>(buffer).unwrap().wait().unwrap(), 1);
    }
}
