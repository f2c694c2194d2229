//! The event-loop lag in a trace, and tasks that offload their computation.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use workload::definition::parse;
use workload::inputs::make;
use workload::model::{Batch, Model};
use workload::sequential::Sequential;
use workload::task::{
    AsyncIo, Blocking, Carried, Exec, Exited, Failure, Offload, Output, Surroundings, Tail,
};
use workload::trace::{Trace, clock_ns};

const HELD: Duration = Duration::from_millis(30);

/// A timer that is polled again and again.
#[derive(Clone, Copy)]
struct Timers;

impl AsyncIo for Timers {
    fn wait(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        let due = Instant::now() + duration;
        std::future::poll_fn(move |_| {
            if Instant::now() < due {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
    }

    async fn exchange(&self, _: SocketAddr, _: &[u8], _: usize) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn read(&self, _: &Path, _: usize) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn look(&self, _: Tail) -> io::Result<Tail> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn exec(&self, _: Exec) -> io::Result<Exited> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn block(&self, work: Blocking) -> Output {
        work()
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

fn batch(steps: &str) -> Arc<Batch> {
    let text = format!("name = \"check\"\ntasks = 3\npattern = \"map\"\n{steps}");
    let inputs = make(&parse(&text, "check").expect("the definition is right"), 1);
    Arc::new(Batch::new(Arc::new(inputs), Surroundings::default()))
}

fn traced(batch: &Batch) -> (Arc<Trace>, Arc<Batch>) {
    let trace = Arc::new(Trace::start(batch.len()));
    (Arc::clone(&trace), Arc::new(batch.traced(trace)))
}

const COMPUTE: &str = "[[step]]\ncompute = \"1us\"\n";

#[test]
fn blocked_loop_is_late_by_the_blocking_time() {
    let (trace, batch) = traced(&batch(COMPUTE));
    let pulse = batch.pulse().expect("there is one in the trace");
    let output = run(pulse.beside(Timers, async {
        Timers.wait(Duration::from_millis(5)).await;
        thread::sleep(HELD);
        Timers.wait(Duration::from_millis(5)).await;
        7
    }));
    assert_eq!(output, 7);
    let metrics = trace.metrics();
    let held = (HELD - Duration::from_millis(2)).as_nanos() as f64;
    assert!(metrics["loop_lag_max_ns"] >= held, "{metrics:?}");
    assert!(metrics["loop_lag_p50_ns"] <= metrics["loop_lag_p99_ns"]);
    assert!(metrics["loop_lag_p99_ns"] <= metrics["loop_lag_max_ns"]);
}

#[test]
fn timer_still_pending_at_the_end_counts() {
    let (trace, batch) = traced(&batch(COMPUTE));
    let pulse = batch.pulse().expect("there is one in the trace");
    let mut beat = pin!(pulse.beat(Timers));
    let mut context = Context::from_waker(Waker::noop());
    assert!(beat.as_mut().poll(&mut context).is_pending());
    thread::sleep(HELD);
    pulse.stop();
    let metrics = trace.metrics();
    let held = (HELD - Duration::from_millis(2)).as_nanos() as f64;
    assert!(metrics["loop_lag_max_ns"] >= held, "{metrics:?}");
    // The probe has been stopped: its next timer ends it and adds nothing.
    assert!(beat.as_mut().poll(&mut context).is_ready());
    assert_eq!(trace.metrics(), metrics);
}

#[test]
fn each_generation_has_a_pulse_and_the_one_before_is_over() {
    let (trace, batch) = traced(&batch(COMPUTE));
    let before = batch.pulse().expect("there is one in the trace");
    let mut old = pin!(before.beat(Timers));
    let mut context = Context::from_waker(Waker::noop());
    assert!(old.as_mut().poll(&mut context).is_pending());
    before.stop();
    let pulse = batch.pulse().expect("there is one in the trace");
    run(pulse.beside(Timers, async {
        Timers.wait(Duration::from_millis(5)).await;
        thread::sleep(HELD);
        // A stopped probe neither continues nor stops the other.
        assert!(old.as_mut().poll(&mut context).is_ready());
        before.stop();
        Timers.wait(Duration::from_millis(5)).await;
    }));
    let held = (HELD - Duration::from_millis(2)).as_nanos() as f64;
    assert!(trace.metrics()["loop_lag_max_ns"] >= held);
    // The probe is stopped from outside, and the work continues.
    let pulse = batch.pulse().expect("there is one in the trace");
    let outside = pulse.clone();
    run(pulse.beside(Timers, async {
        Timers.wait(Duration::from_millis(3)).await;
        outside.stop();
        Timers.wait(Duration::from_millis(10)).await;
    }));
}

#[test]
fn no_lag_without_pulse_and_no_pulse_without_trace() {
    let plain = batch(COMPUTE);
    assert!(plain.pulse().is_none());
    plain.metric("stalls", 1.0);
    let (trace, batch) = traced(&plain);
    batch.metric("stalls", 2.0);
    batch.metric("stalls", 3.0);
    let metrics = trace.metrics();
    assert_eq!(metrics["stalls"], 3.0);
    assert!(!metrics.contains_key("loop_lag_max_ns"));
    assert!(metrics.contains_key("completion_p99_ns"));
}

/// An offload that starts a thread for each call, and counts the calls.
#[derive(Default)]
struct Elsewhere(AtomicUsize);

impl Offload for Elsewhere {
    async fn offload(
        &self,
        work: impl FnOnce() -> Carried + Send + 'static,
    ) -> Result<Carried, Failure> {
        self.0.fetch_add(1, Ordering::Relaxed);
        thread::spawn(work)
            .join()
            .map_err(|_| Failure::new("the work panicked"))
    }
}

#[test]
fn tasks_that_compute_elsewhere_come_to_the_same_values() {
    let steps = format!("{COMPUTE}[[step]]\nwait = \"1us\"\n[[step]]\nkernel = \"gcd\"\n{COMPUTE}");
    let batch = batch(&steps);
    let elsewhere = Elsewhere::default();
    let outputs: Vec<_> = (0..batch.len())
        .map(|index| run(batch.run_offloading(index, &Timers, &elsewhere)))
        .collect();
    assert_eq!(outputs, Sequential.map(&mut (), &batch));
    assert_eq!(elsewhere.0.into_inner(), 3 * batch.len());
}

/// The spans of each lane, in the order of the lanes.
fn spans(trace: &Trace) -> Vec<Vec<(u64, u64, u32)>> {
    let timeline = trace.timeline();
    assert_eq!(timeline.check(), Ok(()));
    timeline.lanes.into_iter().map(|lane| lane.spans).collect()
}

#[test]
fn async_task_starts_at_its_first_poll_on_the_thread_of_that() {
    let (trace, batch) = traced(&batch("[[step]]\nwait = \"1ms\"\n"));
    let begin = Instant::now();
    let mut task = Box::pin(async move { batch.run_async(0, &Timers).await });
    // Making a future is not a start.
    thread::sleep(HELD);
    let mut context = Context::from_waker(Waker::noop());
    assert!(task.as_mut().poll(&mut context).is_pending());
    thread::spawn(move || run(task)).join().unwrap().unwrap();
    let took = u64::try_from(begin.elapsed().as_nanos()).unwrap();
    let timeline = trace.timeline();
    let [lane] = &timeline.lanes[..] else {
        panic!("one thread: {timeline:?}");
    };
    let [(start, end, 1)] = lane.spans[..] else {
        panic!("one task: {timeline:?}");
    };
    assert!(u128::from(start) >= HELD.as_nanos(), "{timeline:?}");
    assert!(
        end - start >= 1_000_000 && end - start <= took,
        "{timeline:?}"
    );
}

#[test]
fn tasks_of_other_processes_are_in_the_timeline() {
    let (trace, batch) = traced(&batch(COMPUTE));
    let now_ns = clock_ns();
    let span = |worker, start_ns: u64, end_ns: u64| workload::trace::Elsewhere {
        worker,
        start_ns: now_ns + start_ns,
        end_ns: now_ns + end_ns,
    };
    // In any order: two workers, then three processes of a task each, of which two overlap.
    batch.ran_elsewhere(vec![
        span(Some(7), 5_000, 6_000),
        span(Some(9), 1_000, 9_000),
        span(Some(7), 2_000, 4_000),
        span(None, 10_000, 13_000),
        span(None, 11_000, 12_000),
        span(None, 14_000, 15_000),
    ]);
    let timeline = trace.timeline();
    assert_eq!((timeline.tasks, timeline.check()), (6, Ok(())));
    let lanes: Vec<(u32, usize)> = timeline
        .lanes
        .iter()
        .map(|lane| (lane.process, lane.spans.len()))
        .collect();
    assert_eq!(lanes, [(1, 1), (2, 2), (3, 2), (4, 1)]);
    assert!(trace.timeline().lanes.is_empty(), "it was taken out");
}

#[test]
fn stages_and_generations_have_spans_of_their_own() {
    let staged = "[[step]]\ncompute = \"1us\"\nstage = 0\n[[step]]\ncompute = \"1us\"\nstage = 1\n";
    let text = format!("name = \"check\"\ntasks = 3\npattern = \"pipeline\"\n{staged}");
    let inputs = make(&parse(&text, "check").unwrap(), 1);
    let (trace, batch) = traced(&Batch::new(Arc::new(inputs), Surroundings::default()));
    let mut carried = batch.begin(1);
    for stage in batch.stages() {
        carried = batch.run_stage(1, stage, carried).unwrap();
    }
    batch.end(1, &carried);
    let stages: Vec<Option<u32>> = trace.timeline().lanes.iter().map(|it| it.stage).collect();
    assert_eq!(stages, [Some(0), Some(1)]);

    let text = "name = \"check\"\ntasks = 3\npattern = \"rounds\"\nrounds.generations = 4\n";
    let inputs = make(&parse(&format!("{text}{COMPUTE}"), "check").unwrap(), 1);
    let (trace, batch) = traced(&Batch::new(Arc::new(inputs), Surroundings::default()));
    Sequential.run(&mut (), &batch);
    let spans = spans(&trace);
    assert_eq!((spans.len(), spans[0].len()), (1, 12));
}
