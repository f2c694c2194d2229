//! The untimed trace: completions of tasks, event-loop lag, and metrics of the model.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::task::asynchronous::AsyncIo;

/// The records of a trace: the completion time of each task, the lag of the event loop's timers,
/// and the metrics of the model.
#[derive(Debug)]
pub struct Trace {
    start: Instant,
    done_ns: Vec<AtomicU64>,
    beats: Mutex<Beats>,
    metrics: Mutex<BTreeMap<String, f64>>,
}

impl Trace {
    /// Starts the clock for this many tasks.
    pub fn start(tasks: usize) -> Trace {
        Trace {
            start: Instant::now(),
            done_ns: (0..tasks).map(|_| AtomicU64::new(0)).collect(),
            beats: Mutex::default(),
            metrics: Mutex::default(),
        }
    }

    pub(crate) fn note(&self, index: usize, ago: Duration) {
        let done = self.start.elapsed().saturating_sub(ago);
        self.done_ns[index].store(nanoseconds(done), Ordering::Relaxed);
    }

    pub(crate) fn metric(&self, name: &str, value: f64) {
        let mut metrics = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        metrics.insert(name.to_owned(), value);
    }

    /// The time by which this share of the tasks was done, by nearest rank; `None` without tasks.
    pub fn quantile_ns(&self, share: f64) -> Option<u64> {
        let done = self.done_ns.iter().map(|ns| ns.load(Ordering::Relaxed));
        quantile(done.collect(), share)
    }

    /// All metrics: `completion_p50_ns` and `completion_p99_ns` if there are tasks,
    /// `loop_lag_p50_ns`, `loop_lag_p99_ns` and `loop_lag_max_ns` if a [`Pulse`] was running, and
    /// those of the model.
    pub fn metrics(&self) -> BTreeMap<String, f64> {
        let mut metrics = self
            .metrics
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut put = |name: &str, ns: Option<u64>| {
            if let Some(ns) = ns {
                metrics.insert(name.to_owned(), ns as f64);
            }
        };
        put("completion_p50_ns", self.quantile_ns(0.50));
        put("completion_p99_ns", self.quantile_ns(0.99));
        let late = self.beats().late_ns.clone();
        put("loop_lag_p50_ns", quantile(late.clone(), 0.50));
        put("loop_lag_p99_ns", quantile(late.clone(), 0.99));
        put("loop_lag_max_ns", late.into_iter().max());
        metrics
    }

    fn beats(&self) -> std::sync::MutexGuard<'_, Beats> {
        self.beats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Beats {
    late_ns: Vec<u64>,
    /// The time at which the current timer should fire.
    due: Option<Instant>,
    /// The current pulse, counted from 1; with the pattern `rounds` each generation has its own.
    beating: Option<u64>,
    /// The number of pulses so far.
    pulses: u64,
}

impl Beats {
    /// Records the lag of the current timer, which has fired or is abandoned.
    fn end(&mut self, now: Instant) {
        if let Some(due) = self.due.take() {
            self.late_ns
                .push(nanoseconds(now.saturating_duration_since(due)));
        }
    }
}

/// A probe of an event loop: it repeatedly sets a timer of 1 ms and records how late it fires.
///
/// The lag is caused by other work on the loop: a task that computes or blocks, or more ready tasks
/// than the loop can handle. A runtime's own timer may be coarse (tokio's has a granularity of 1
/// ms), so a lag of up to about two milliseconds means nothing.
#[derive(Debug, Clone)]
pub struct Pulse {
    trace: Arc<Trace>,
    number: u64,
}

impl Pulse {
    /// The interval of the timer.
    pub const EVERY: Duration = Duration::from_millis(1);

    pub(crate) fn new(trace: Arc<Trace>) -> Pulse {
        let mut beats = trace.beats();
        beats.pulses += 1;
        let number = beats.pulses;
        beats.beating = Some(number);
        beats.due = None;
        drop(beats);
        Pulse { trace, number }
    }

    /// Runs until [`stop`](Self::stop), which it notices at its next timer. Spawn it on the loop
    /// before the tasks; only one may run at a time.
    pub fn beat<I: AsyncIo>(&self, io: I) -> impl Future<Output = ()> + Send + use<I> {
        let (trace, number) = (Arc::clone(&self.trace), self.number);
        async move {
            loop {
                {
                    let mut beats = trace.beats();
                    if beats.beating != Some(number) {
                        return;
                    }
                    beats.end(Instant::now());
                    beats.due = Some(Instant::now() + Pulse::EVERY);
                }
                io.wait(Pulse::EVERY).await;
            }
        }
    }

    /// Stops the probe after the last result. A timer that is late at that moment counts with its
    /// lag so far.
    pub fn stop(&self) {
        let mut beats = self.trace.beats();
        if beats.beating != Some(self.number) {
            return;
        }
        let now = Instant::now();
        if beats.due.is_some_and(|due| due < now) {
            beats.end(now);
        }
        beats.due = None;
        beats.beating = None;
    }

    /// Runs beside `work` in the same task, for loops of one thread without `spawn`, then calls
    /// [`stop`](Self::stop).
    pub async fn beside<T>(&self, io: impl AsyncIo, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let mut beat = pin!(self.beat(io));
        let mut beating = true;
        let output = std::future::poll_fn(|context| {
            // The timer is polled first, since it shows how long the work blocked the loop before.
            beating = beating && beat.as_mut().poll(context).is_pending();
            match work.as_mut().poll(context) {
                Poll::Ready(output) => Poll::Ready(output),
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
        self.stop();
        output
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The nearest rank; `None` if there are no values.
fn quantile(mut values: Vec<u64>, share: f64) -> Option<u64> {
    values.sort_unstable();
    let rank = (share * values.len() as f64).ceil() as usize;
    values.get(rank.clamp(1, values.len().max(1)) - 1).copied()
}
