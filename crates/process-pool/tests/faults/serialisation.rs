//! Inputs and outputs that cannot be encoded or decoded, and the output that jobs print.

use std::process::Command;

use effective_process_pool::{JobError, ProcessPool, SubmitError};

use crate::helpers::{all_done, neighbours};
use crate::jobs::*;
use crate::support::checks::{Resources, alone, deadline};

#[test]
fn fault_16_unserialisable_input_is_a_submit_error() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    let pool = ProcessPool::new(&program, 1).unwrap();
    let worker = pool.submit::<pid>(()).unwrap().wait().unwrap();
    for _ in 0..100 {
        let error = pool.submit::<picky>(Picky(1)).unwrap_err();
        assert!(matches!(error, SubmitError::Input(_)), "{error}");
    }
    let results = pool.map::<picky>([Picky(0), Picky(1), Picky(3)]);
    assert!(
        matches!(&results[..], [Ok(_), Err(JobError::Input(_)), Ok(_)]),
        "{results:?}"
    );
    assert_eq!(pool.submit::<pid>(()).unwrap().wait().unwrap(), worker);
    drop(pool);
    before.assert_restored();
}

#[test]
fn fault_17_unserialisable_result_is_its_jobs_error() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    let pool = ProcessPool::new(&program, 1).unwrap();
    let worker = pool.submit::<pid>(()).unwrap().wait().unwrap();
    for _ in 0..100 {
        let (lost, garbled) = (
            pool.submit::<no_output>(1).unwrap(),
            pool.submit::<garbled>(200).unwrap(),
        );
        let picky = pool.submit::<picky>(Picky(2)).unwrap();
        let panics = pool.submit::<panics>("one\ntwo".to_owned()).unwrap();
        let others = neighbours(&pool);
        let error = lost.wait().unwrap_err();
        assert!(
            matches!(&error, JobError::Output(why) if why.contains("length")),
            "{error}"
        );
        assert!(matches!(garbled.wait().unwrap_err(), JobError::Output(_)));
        assert!(matches!(picky.wait().unwrap_err(), JobError::Input(_)));
        assert!(
            matches!(panics.wait().unwrap_err(), JobError::Panicked(panic) if panic.message() == "one\ntwo")
        );
        all_done(others);
    }
    assert_eq!(pool.submit::<pid>(()).unwrap().wait().unwrap(), worker);
    drop(pool);
    before.assert_restored();
}

#[test]
fn fault_19_printing_job_harms_nothing() {
    let program = program();
    // In the role of the program: the jobs print to its output.
    if std::env::var_os("PROCESS_POOL_TEST_PRINTS").is_some() {
        let pool = ProcessPool::new(&program, 2).unwrap();
        let text = "\0\u{1}printed by a job\u{7f}";
        for _ in 0..20 {
            assert_eq!(
                pool.submit::<prints>(text.to_owned())
                    .unwrap()
                    .wait()
                    .unwrap(),
                text.len()
            );
        }
        return;
    }
    let (_deadline, _exclusive) = (deadline(120), alone());
    let name = "serialisation::fault_19_printing_job_harms_nothing";
    let output = Command::new("/proc/self/exe")
        .args([name, "--exact", "--nocapture"])
        .env("PROCESS_POOL_TEST_PRINTS", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(stdout.matches("printed by a job").count(), 40, "{stdout}");
    // libtest's greetings in the workers do not appear.
    assert_eq!(stdout.matches("running 1 test").count(), 1, "{stdout}");
}
