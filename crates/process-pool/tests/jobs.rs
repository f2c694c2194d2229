//! What a pool does when nothing goes wrong.

mod common;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use effective_process_pool::{
    Buffer, JobError, ProcessPool, Program, SubmitError, as_completed, job, register, wire,
};

job! {
    fn double(number: u64) -> u64 { 2 * number }
    fn join(left: String, right: Vec<String>) -> String { left + &right.concat() }
    fn pid() -> u32 { std::process::id() }
    fn nap(milliseconds: u64) -> u64 {
        thread::sleep(Duration::from_millis(milliseconds));
        milliseconds
    }
    fn reverse(bytes: Vec<u8>) -> Vec<u8> { bytes.into_iter().rev().collect() }
    fn sum(buffer: Buffer, add: u8) -> (u64, Buffer) {
        let mut bytes = buffer.to_vec();
        let sum = bytes.iter().map(|&byte| u64::from(byte)).sum();
        bytes.iter_mut().for_each(|byte| *byte = byte.wrapping_add(add));
        let new = Buffer::new(bytes.len()).unwrap();
        new.write_at(0, &bytes).unwrap();
        (sum, new)
    }
    fn set_up(value: u32) { SET.with(|set| set.set(value)); }
    fn get() -> u32 { SET.with(std::cell::Cell::get) }
    fn unregistered() {}
    fn linger(number: Counted) { thread::sleep(Duration::from_millis(number.0)); }
    fn count(number: Counted) -> u64 { number.0 }
    fn fails(text: String) -> Result<u32, String> { text.parse().map_err(|error| format!("{text}: {error}")) }
}

thread_local! {
    static SET: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

fn program() -> Program {
    common::quiet_in_workers();
    register![
        double, join, pid, nap, reverse, sum, set_up, get, fails, linger, count
    ]
}

#[test]
fn a_job_comes_back_through_its_handle() {
    let program = program();
    let _deadline = common::deadline(60);
    let pool = ProcessPool::new(&program, 2).unwrap();
    let one = pool.submit::<double>(21).unwrap();
    let other = pool
        .submit::<join>(&("a".to_owned(), vec!["b".to_owned(), "c".to_owned()]))
        .unwrap();
    assert_eq!(other.wait().unwrap(), "abc");
    assert_eq!(one.wait().unwrap(), 42);
    assert_eq!(
        pool.submit::<fails>("x".to_owned())
            .unwrap()
            .wait()
            .unwrap()
            .unwrap_err(),
        "x: invalid digit found in string"
    );
}

#[test]
fn jobs_run_in_other_processes_as_many_as_there_are_workers() {
    let program = program();
    let _deadline = common::deadline(60);
    let pool = ProcessPool::new(&program, 3).unwrap();
    let naps: Vec<_> = (0..3).map(|_| pool.submit::<nap>(300).unwrap()).collect();
    let pids: BTreeSet<u32> = (0..3)
        .map(|_| pool.submit::<pid>(()).unwrap())
        .map(|pid| pid.wait().unwrap())
        .collect();
    assert!(!pids.contains(&std::process::id()));
    assert!(naps.into_iter().all(|nap| nap.wait().is_ok()));
    assert!(common::children().len() >= 3);
}

#[test]
fn many_jobs_at_once_all_come_back() {
    let program = program();
    let _deadline = common::deadline(120);
    for workers in [1, 3] {
        let pool = ProcessPool::new(&program, workers).unwrap();
        let handles: Vec<_> = (0..20_000)
            .map(|number| pool.submit::<double>(number).unwrap())
            .collect();
        for (number, handle) in handles.into_iter().enumerate() {
            assert_eq!(handle.wait().unwrap(), 2 * number as u64);
        }
    }
}

#[test]
fn a_map_keeps_the_order_whatever_the_chunks() {
    let program = program();
    let _deadline = common::deadline(120);
    for workers in [1, 3] {
        let pool = ProcessPool::new(&program, workers).unwrap();
        for count in [0, 1, 2, 5, 1_000, 30_000] {
            let results = pool.map::<double>(0..count);
            let expected: Vec<u64> = (0..count).map(|number| 2 * number).collect();
            assert_eq!(
                results.into_iter().collect::<Result<Vec<_>, _>>().unwrap(),
                expected
            );
        }
        for chunk in [1, 7, 5_000] {
            let mapping = pool.mapping().chunk_size(NonZeroUsize::new(chunk).unwrap());
            let results = mapping.run::<double>((0..5_000).collect::<Vec<_>>());
            assert!(
                results
                    .into_iter()
                    .enumerate()
                    .all(|(place, result)| result.unwrap() == 2 * place as u64)
            );
        }
    }
}

#[test]
fn inputs_and_outputs_of_all_sizes_come_through() {
    let program = program();
    let _deadline = common::deadline(120);
    let pool = ProcessPool::new(&program, 2).unwrap();
    let sizes = [
        0, 1, 7, 8, 9, 1_000, 32_000, 32_768, 33_000, 100_000, 3_000_000,
    ];
    let inputs: Vec<Vec<u8>> = (0..3)
        .flat_map(|round| sizes.map(|size| (0..size).map(|at| (at + round) as u8).collect()))
        .collect();
    let handles: Vec<_> = inputs
        .iter()
        .map(|input| pool.submit::<reverse>(input).unwrap())
        .collect();
    for (input, handle) in inputs.iter().zip(handles) {
        assert!(
            handle.wait().unwrap().iter().eq(input.iter().rev()),
            "{} bytes",
            input.len()
        );
    }
    for (input, result) in inputs.iter().zip(pool.map::<reverse>(&inputs)) {
        assert!(
            result.unwrap().iter().eq(input.iter().rev()),
            "{} bytes in a map",
            input.len()
        );
    }
    // Small inputs with large outputs, in chunks.
    let results = pool.map::<reverse>((0..400).map(|place| vec![place as u8; 5_000]));
    assert!(
        results
            .into_iter()
            .enumerate()
            .all(|(place, result)| result.unwrap() == vec![place as u8; 5_000])
    );
}

#[test]
fn buffers_travel_as_descriptors_and_stay_the_same_memory() {
    let program = program();
    let _deadline = common::deadline(60);
    let pool = ProcessPool::new(&program, 1).unwrap();
    let buffer = Buffer::new(1_000_003).unwrap();
    buffer.write_at(0, &[3; 1_000_003]).unwrap();
    for _ in 0..100 {
        let (sum, new) = pool
            .submit::<sum>((buffer.clone(), 1))
            .unwrap()
            .wait()
            .unwrap();
        assert_eq!(sum, 3_000_009);
        assert_eq!(new.len(), 1_000_003);
        let mut ends = [0; 2];
        new.read_at(1_000_001, &mut ends).unwrap();
        assert_eq!(ends, [4, 4]);
    }
    let results = pool.map::<sum>((0..5).map(|add| (buffer.clone(), add)));
    assert!(
        results
            .into_iter()
            .all(|result| result.unwrap().0 == 3_000_009)
    );
}

#[test]
fn results_come_as_they_are_completed() {
    let program = program();
    let _deadline = common::deadline(60);
    let pool = ProcessPool::new(&program, 2).unwrap();
    // Both workers are up.
    pool.map::<nap>([100, 100]);
    let handles = [
        pool.submit::<nap>(1_000).unwrap(),
        pool.submit::<nap>(1).unwrap(),
        pool.submit::<nap>(2).unwrap(),
    ];
    let mut results = as_completed(handles);
    assert!(matches!(results.next(), Some((1, Ok(1)))));
    assert!(matches!(
        results.next_timeout(Duration::from_secs(20)),
        Ok(Some((2, Ok(2))))
    ));
    assert!(results.next_timeout(Duration::from_millis(1)).is_err());
    assert!(matches!(results.next(), Some((0, Ok(1_000)))));
    assert!(results.next().is_none());
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn a_handle_can_be_awaited_on_any_runtime() {
    let program = program();
    let _deadline = common::deadline(60);
    let pool = ProcessPool::new(&program, 2).unwrap();
    for number in 0..200 {
        assert_eq!(
            block_on(pool.submit::<double>(number).unwrap()).unwrap(),
            2 * number
        );
    }
    assert_eq!(block_on(pool.submit::<nap>(30).unwrap()).unwrap(), 30);
    // Polled once, then waited for by a thread.
    let mut handle = pool.submit::<nap>(50).unwrap();
    let polled = std::pin::Pin::new(&mut handle).poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
    assert_eq!(handle.wait().unwrap(), 50);
}

#[test]
fn a_callback_gets_the_result_and_may_panic() {
    let program = program();
    let _deadline = common::deadline(60);
    let pool = ProcessPool::new(&program, 1).unwrap();
    let (sender, results) = mpsc::channel();
    pool.submit::<double>(1)
        .unwrap()
        .on_done(|_| panic!("a callback that panics, as the test wants"));
    for number in 0..100 {
        let sender = sender.clone();
        pool.submit::<double>(number)
            .unwrap()
            .on_done(move |result| sender.send(result.unwrap()).unwrap());
    }
    let got: BTreeSet<u64> = (0..100)
        .map(|_| results.recv_timeout(Duration::from_secs(30)).unwrap())
        .collect();
    assert_eq!(got, (0..100).map(|number| 2 * number).collect());
    let done = pool.submit::<double>(4).unwrap();
    common::eventually("the job ends", || done.is_finished());
    done.on_done(move |result| sender.send(result.unwrap()).unwrap());
    assert_eq!(results.recv_timeout(Duration::from_secs(30)).unwrap(), 8);
}

#[test]
fn a_pending_job_can_be_cancelled_and_a_running_one_only_killed() {
    let program = program();
    let _deadline = common::deadline(60);
    let pool = ProcessPool::new(&program, 1).unwrap();
    let running = pool.submit::<nap>(60_000).unwrap();
    let pending: Vec<_> = (0..200)
        .map(|number| pool.submit::<double>(number).unwrap())
        .collect();
    drop(pool.submit::<double>(7).unwrap());
    thread::sleep(Duration::from_millis(100));
    for handle in pending.iter().step_by(2) {
        assert!(handle.cancel());
        assert!(!handle.cancel());
    }
    // On a slow machine the worker may not have started yet.
    common::eventually("the job begins", || {
        !running.is_finished() && pool.queued() < 200
    });
    assert!(running.kill());
    assert!(matches!(
        running.wait(),
        Err(JobError::Killed | JobError::Cancelled)
    ));
    for (number, handle) in pending.into_iter().enumerate() {
        match handle.wait() {
            Err(JobError::Cancelled) => assert_eq!(number % 2, 0),
            result => assert_eq!((number % 2, result.unwrap()), (1, 2 * number as u64)),
        }
    }
}

#[test]
fn a_wait_that_times_out_gives_the_handle_back() {
    let program = program();
    let _deadline = common::deadline(60);
    let pool = ProcessPool::new(&program, 1).unwrap();
    let mut handle = pool.submit::<nap>(300).unwrap();
    let mut times = 0;
    let result = loop {
        match handle.wait_timeout(Duration::from_millis(10)) {
            Ok(result) => break result,
            Err(same) => handle = same,
        }
        times += 1;
    };
    assert_eq!(result.unwrap(), 300);
    assert!(times > 3);
}

#[test]
fn several_threads_wait_for_jobs_of_one_worker() {
    let program = program();
    let _deadline = common::deadline(60);
    let pool = ProcessPool::new(&program, 1).unwrap();
    thread::scope(|scope| {
        for thread in 0..4 {
            let pool = &pool;
            scope.spawn(move || {
                for number in 0..500 {
                    let input = thread * 1_000 + number;
                    assert_eq!(
                        pool.submit::<double>(input).unwrap().wait().unwrap(),
                        2 * input
                    );
                }
            });
        }
    });
}

#[test]
fn the_initializer_runs_first_in_each_worker() {
    let program = program();
    let _deadline = common::deadline(60);
    let pool = ProcessPool::builder(&program)
        .workers(2)
        .initializer::<set_up>(17)
        .recycle_after_jobs(2)
        .build()
        .unwrap();
    assert!(
        pool.map::<get>([(); 20])
            .into_iter()
            .all(|value| value.unwrap() == 17)
    );
}

#[test]
fn a_job_is_a_name_and_bytes_for_whoever_carries_it_further() {
    let program = program();
    let _deadline = common::deadline(60);
    let pool = ProcessPool::new(&program, 1).unwrap();
    let input = wire::input::<double>(&21).unwrap();
    let output = pool
        .submit_bytes(wire::name::<double>(), &input)
        .unwrap()
        .wait()
        .unwrap();
    assert_eq!(wire::output::<double>(&output).unwrap(), 42);
    assert_eq!(
        program.call(wire::name::<double>(), &input).unwrap(),
        output
    );
    assert!(matches!(
        pool.submit_bytes("none", &input),
        Err(SubmitError::UnknownName(_))
    ));
    assert!(matches!(
        program.call("none", &input),
        Err(JobError::Unregistered(_))
    ));
}

#[test]
fn what_is_not_registered_is_an_error() {
    let program = program();
    let _deadline = common::deadline(60);
    let pool = ProcessPool::new(&program, 1).unwrap();
    let error = pool.submit::<unregistered>(()).unwrap_err();
    assert!(matches!(error, SubmitError::Unregistered(_)));
    assert_eq!(
        error.to_string(),
        "no job called jobs::unregistered is registered: add it to `effective_process_pool::register!`"
    );
    assert!(matches!(
        pool.map::<unregistered>([()])[..],
        [Err(JobError::Unregistered(_))]
    ));
}

#[test]
fn a_shutdown_finishes_what_was_accepted_and_an_immediate_one_says_what_it_ended() {
    let program = program();
    let _deadline = common::deadline(60);
    let pool = ProcessPool::new(&program, 2).unwrap();
    let handles: Vec<_> = (0..300)
        .map(|number| pool.submit::<double>(number).unwrap())
        .collect();
    pool.close();
    assert!(matches!(pool.submit::<double>(1), Err(SubmitError::Closed)));
    pool.shutdown();
    assert!(
        handles
            .into_iter()
            .enumerate()
            .all(|(number, handle)| handle.wait().unwrap() == 2 * number as u64)
    );

    let pool = ProcessPool::new(&program, 1).unwrap();
    let handles: Vec<_> = (0..100)
        .map(|_| pool.submit::<nap>(60_000).unwrap())
        .collect();
    thread::sleep(Duration::from_millis(50));
    assert_eq!(pool.shutdown_now(), 100);
    assert!(
        handles
            .into_iter()
            .all(|handle| matches!(handle.wait(), Err(JobError::Killed | JobError::Cancelled)))
    );

    let pool = ProcessPool::new(&program, 1).unwrap();
    let handle = pool.submit::<nap>(500).unwrap();
    let error = pool.shutdown_timeout(Duration::from_millis(1)).unwrap_err();
    assert_eq!(error.jobs(), 1);
    assert_eq!(handle.wait().unwrap(), 500);
}

#[test]
fn a_map_that_is_under_way_is_not_cut_short_by_a_close() {
    let program = program();
    let _deadline = common::deadline(60);
    let pool = ProcessPool::new(&program, 2).unwrap();
    let results = thread::scope(|scope| {
        let one_by_one = pool.mapping().chunk_size(NonZeroUsize::MIN);
        let map = scope.spawn(move || one_by_one.run::<nap>([5; 200]));
        thread::sleep(Duration::from_millis(100));
        pool.close();
        map.join().unwrap()
    });
    assert_eq!(results.len(), 200);
    assert!(results.into_iter().all(|result| result.unwrap() == 5));
    assert!(matches!(
        pool.map::<double>([1])[..],
        [Err(JobError::Cancelled)]
    ));
}

/// Counts how many of its kind have been encoded.
struct Counted(u64);

static ENCODED: AtomicU64 = AtomicU64::new(0);

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert_ne!(self.0, 7_777, "an input that panics, as the test wants");
        ENCODED.fetch_add(1, Ordering::Relaxed);
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Self)
    }
}

#[test]
fn a_map_encodes_its_inputs_a_few_chunks_ahead() {
    let program = program();
    let _deadline = common::deadline(60);
    let pool = ProcessPool::new(&program, 1).unwrap();
    ENCODED.store(0, Ordering::Relaxed);
    let inputs: Vec<Counted> = (0..100).map(|_| Counted(20)).collect();
    let results = thread::scope(|scope| {
        let mapping = pool.mapping().chunk_size(NonZeroUsize::MIN);
        let inputs = &inputs;
        let map = scope.spawn(move || mapping.run::<linger>(inputs));
        common::eventually("it begins", || ENCODED.load(Ordering::Relaxed) > 0);
        thread::sleep(Duration::from_millis(10));
        let encoded = ENCODED.load(Ordering::Relaxed);
        assert!(encoded <= 60, "{encoded} inputs were encoded ahead");
        map.join().unwrap()
    });
    assert_eq!(results.len(), 100);
}

#[test]
fn a_map_whose_encoding_panics_leaves_a_pool_that_works() {
    let program = program();
    let _deadline = common::deadline(60);
    let pool = ProcessPool::new(&program, 1).unwrap();
    let inputs: Vec<Counted> = (7_000..8_000).map(Counted).collect();
    let panicked = catch_unwind(AssertUnwindSafe(|| pool.map::<count>(&inputs)));
    assert!(panicked.is_err());
    assert_eq!(pool.submit::<double>(4).unwrap().wait().unwrap(), 8);
    // It waits for nothing that never comes.
    pool.shutdown();
}
