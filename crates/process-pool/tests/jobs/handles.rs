//! Jobs submitted one by one, and their handles.

use std::collections::BTreeSet;
use std::pin::{Pin, pin};
use std::process;
use std::sync::Arc;
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use effective_process_pool::{
    Buffer, BuildError, JobError, ProcessPool, SubmitError, as_completed, wire,
};

use crate::jobs::*;
use crate::support::checks::{children, deadline, eventually};

#[test]
fn handle_returns_output_of_job() {
    let program = program();
    let _deadline = deadline(60);
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
fn jobs_run_in_separate_worker_processes() {
    let program = program();
    let _deadline = deadline(60);
    let pool = ProcessPool::new(&program, 3).unwrap();
    let naps: Vec<_> = (0..3).map(|_| pool.submit::<nap>(300).unwrap()).collect();
    let pids: BTreeSet<u32> = (0..3)
        .map(|_| pool.submit::<pid>(()).unwrap())
        .map(|pid| pid.wait().unwrap())
        .collect();
    assert!(!pids.contains(&process::id()));
    assert!(naps.into_iter().all(|nap| nap.wait().is_ok()));
    assert!(children().len() >= 3);
}

#[test]
fn all_of_many_jobs_finish() {
    let program = program();
    let _deadline = deadline(120);
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
fn inputs_and_outputs_of_all_sizes_arrive() {
    let program = program();
    let _deadline = deadline(120);
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
fn buffers_travel_in_inputs_and_outputs() {
    let program = program();
    let _deadline = deadline(60);
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
fn as_completed_yields_in_completion_order() {
    let program = program();
    let _deadline = deadline(60);
    let pool = ProcessPool::new(&program, 2).unwrap();
    // Both workers have started.
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
fn handle_can_be_awaited_without_a_runtime() {
    let program = program();
    let _deadline = deadline(60);
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
    let polled = Pin::new(&mut handle).poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
    assert_eq!(handle.wait().unwrap(), 50);
}

#[test]
fn callback_gets_result_and_may_panic() {
    let program = program();
    let _deadline = deadline(60);
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
    eventually("the job ends", || done.is_finished());
    done.on_done(move |result| sender.send(result.unwrap()).unwrap());
    assert_eq!(results.recv_timeout(Duration::from_secs(30)).unwrap(), 8);
}

#[test]
fn pending_jobs_cancel_and_running_job_is_killed() {
    let program = program();
    let _deadline = deadline(60);
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
    eventually("the job begins", || {
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
fn wait_timeout_returns_handle() {
    let program = program();
    let _deadline = deadline(60);
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
fn looks_without_a_wait_end_with_the_result() {
    let program = program();
    let _deadline = deadline(60);
    let pool = ProcessPool::new(&program, 1).unwrap();
    let jobs: Vec<_> = (0..20)
        .map(|number| (number, pool.submit::<double>(number).unwrap()))
        .collect();
    for (number, mut handle) in jobs {
        let result = loop {
            match handle.wait_timeout(Duration::ZERO) {
                Ok(result) => break result,
                Err(same) => handle = same,
            }
            thread::yield_now();
        };
        assert_eq!(result.unwrap(), 2 * number);
    }
}

#[test]
fn several_threads_share_one_worker() {
    let program = program();
    let _deadline = deadline(60);
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
fn initializer_runs_first_in_each_worker() {
    let program = program();
    let _deadline = deadline(60);
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
fn job_runs_from_name_and_bytes() {
    let program = program();
    let _deadline = deadline(60);
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
        Err(SubmitError::Unregistered(_))
    ));
    assert!(matches!(
        program.call("none", &input),
        Err(JobError::Unregistered(_))
    ));
}

#[test]
fn unregistered_job_is_refused() {
    let program = program();
    let _deadline = deadline(60);
    let pool = ProcessPool::new(&program, 1).unwrap();
    let error = pool.submit::<unregistered>(()).unwrap_err();
    assert!(matches!(error, SubmitError::Unregistered(_)));
    assert_eq!(
        error.to_string(),
        "no job called jobs::jobs::unregistered is registered: add it to `effective_process_pool::register!`"
    );
    assert!(matches!(
        pool.map::<unregistered>([()])[..],
        [Err(JobError::Unregistered(_))]
    ));
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let program = program();
    let builder = || ProcessPool::builder(&program);
    assert!(matches!(
        builder().workers(0).build(),
        Err(BuildError::NoWorkers)
    ));
    assert!(matches!(
        builder().workers(1_025).build(),
        Err(BuildError::TooManyWorkers(1_025))
    ));
    assert!(matches!(
        builder().recycle_after_jobs(0).build(),
        Err(BuildError::RecycleAfterNoJobs)
    ));
}
