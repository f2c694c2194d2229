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
use workload::trace::Trace;

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
