//! Results whose decoding would end the program, or its caller.

use std::mem;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use effective_process_pool::{JobError, ProcessPool, SubmitError, as_completed};

use crate::jobs::*;
use crate::support::checks::{Resources, alone, deadline};

/// Asserts an error of encoding in the worker or decoding here, or a crash of the worker.
#[track_caller]
fn is_too_deep<T>(result: Result<T, JobError>, depth: usize) {
    match result {
        Err(JobError::Output(why)) => assert!(why.contains("too deeply"), "{why}"),
        Err(JobError::Crashed(_)) => assert!(depth >= 20_000),
        Err(other) => panic!("depth {depth}: {other}"),
        Ok(_) => panic!("depth {depth}: a value"),
    }
}

#[test]
#[cfg_attr(
    address_sanitizer,
    ignore = "AddressSanitizer makes stack frames larger than the margin allows for"
)]
fn deep_result_is_an_error_on_stack_of_any_size() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    for kibibytes in [128, 256, 2048] {
        let pool = ProcessPool::new(&program, 1).unwrap();
        let waiting = thread::Builder::new().stack_size(kibibytes * 1024);
        let waiting = waiting.spawn(move || {
            for depth in [600, 20_000, 50_000, 300_000] {
                let text = "(".repeat(depth);
                is_too_deep(pool.submit::<parse>(&text).unwrap().wait(), depth);
                is_too_deep(pool.map::<parse>([text]).remove(0), depth);
                let wide = depth.min(20_000);
                is_too_deep(pool.submit::<parse_wide>(wide).unwrap().wait(), wide);
                is_too_deep(pool.submit::<parse_value>(depth).unwrap().wait(), depth);
            }
            // Levels that fit are no error.
            mem::forget(
                pool.submit::<parse>("(".repeat(30))
                    .unwrap()
                    .wait()
                    .unwrap(),
            );
            pool.submit::<parse_value>(10).unwrap().wait().unwrap();
        });
        waiting.unwrap().join().unwrap();
    }
    before.assert_restored();
}

#[test]
#[cfg_attr(
    address_sanitizer,
    ignore = "AddressSanitizer makes stack frames larger than the margin allows for"
)]
fn large_levels_are_refused_before_stack_ends() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let pool = ProcessPool::new(&program, 1).unwrap();
    // Within the limit of levels, so only the stack can refuse.
    for depth in [10, 100, 200, 250] {
        for kibibytes in [192, 512, 2048] {
            let decoding = |bytes: Result<Vec<u8>, JobError>| {
                let thread = thread::Builder::new().stack_size(kibibytes * 1024);
                let decoded = thread.spawn(move || {
                    effective_process_pool::wire::output::<parse_wide>(&bytes.unwrap())
                        .map(mem::forget)
                        .map_err(|error| error.to_string())
                });
                decoded.unwrap().join().unwrap()
            };
            let name = effective_process_pool::wire::name::<parse_wide>();
            let input = effective_process_pool::wire::input::<parse_wide>(&depth).unwrap();
            let bytes = pool.submit_bytes(name, &input).unwrap().wait();
            if let Err(why) = decoding(bytes) {
                assert!(why.contains("too deeply"), "{why}");
                assert!(depth > 10);
            }
        }
    }
}

#[test]
#[cfg_attr(
    address_sanitizer,
    ignore = "AddressSanitizer makes stack frames larger than the margin allows for"
)]
fn deep_input_is_a_submit_error() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let pool = ProcessPool::new(&program, 1).unwrap();
    let submitting = thread::Builder::new()
        .stack_size(256 * 1024)
        .spawn(move || {
            let deep = tree(200_000);
            match pool.submit::<weigh>(&deep) {
                Err(SubmitError::Input(why)) => assert!(why.contains("too deeply"), "{why}"),
                other => panic!("{other:?}"),
            }
            let error = pool
                .map::<weigh>([&deep])
                .remove(0)
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("encode") && !error.contains("decode"),
                "{error}"
            );
            mem::forget(deep);
            // It can be encoded, but has too many levels for the worker.
            let error = pool.submit::<weigh>(tree(520)).unwrap().wait().unwrap_err();
            assert!(error.to_string().contains("decode"), "{error}");
            assert_eq!(pool.submit::<weigh>(tree(30)).unwrap().wait().unwrap(), 1);
        });
    submitting.unwrap().join().unwrap();
}

#[test]
fn panicking_deserialize_fails_only_its_result() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(60), alone());
    let before = Resources::settled();
    let pool = ProcessPool::new(&program, 1).unwrap();
    let is_refused = |result: Result<Strict, JobError>| match result {
        Err(JobError::Output(why)) => assert!(why.contains("no eights"), "{why}"),
        other => panic!("{other:?}"),
    };
    let (tell, told) = mpsc::channel();
    pool.submit::<strict>(8)
        .unwrap()
        .on_done(move |result| tell.send(result).unwrap());
    is_refused(told.recv_timeout(Duration::from_secs(30)).unwrap());
    is_refused(pool.submit::<strict>(8).unwrap().wait());
    for (number, result) in pool.map::<strict>(0..20).into_iter().enumerate() {
        match number {
            8 => is_refused(result),
            _ => assert_eq!(result.unwrap().0, number as u32),
        }
    }
    for (place, result) in as_completed([8, 9].map(|number| pool.submit::<strict>(number).unwrap()))
    {
        assert_eq!(result.is_ok(), place == 1);
    }
    is_refused(effective_process_pool::wire::output::<strict>(&[8]));
    drop(pool);
    before.assert_restored();
}
