//! What the untimed trace finds out while the tasks run.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::task::AsyncIo;

/// When each task was done, how late the event loop came to its timers, and what else the model had to say.
#[derive(Debug)]
pub struct Trace {
    start: Instant,
    done_ns: Vec<AtomicU64>,
    beats: Mutex<Beats>,
    metrics: Mutex<BTreeMap<String, f64>>,
}

impl Trace {
    /// Starts the clock for that many tasks.
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

    /// The time by which that share of the tasks was done; `None` without tasks. The nearest rank.
    pub fn quantile_ns(&self, share: f64) -> Option<u64> {
        let done = self.done_ns.iter().map(|ns| ns.load(Ordering::Relaxed));
        quantile(done.collect(), share)
    }

    /// All there is to say: `completion_p50_ns` and `completion_p99_ns` where there are tasks, `loop_lag_p50_ns`,
    /// `loop_lag_p99_ns` and `loop_lag_max_ns` where a [`Pulse`] was beating, and the model's own.
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
    /// When the timer that is running should fire.
    due: Option<Instant>,
    /// The pulse that beats, counted from 1; with the pattern `rounds` each generation has its own.
    beating: Option<u64>,
    /// How many there were.
    pulses: u64,
}

impl Beats {
    /// The timer that was running is over, or is given up: so late it is at least.
    fn end(&mut self, now: Instant) {
        if let Some(due) = self.due.take() {
            self.late_ns
                .push(nanoseconds(now.saturating_duration_since(due)));
        }
    }
}

/// Feels the pulse of an event loop: a timer of 1 ms again and again, and how much later than that it fired.
///
/// What is late is whatever shares the loop with it: a task that computes or blocks, or more tasks that are ready than
/// the loop gets through. A runtime's own timer may be coarse (tokio's has a grain of 1 ms), so up to some two milliseconds
/// say nothing.
#[derive(Debug, Clone)]
pub struct Pulse {
    trace: Arc<Trace>,
    number: u64,
}

impl Pulse {
    /// The time from beat to beat.
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

    /// Beats until [`stop`](Self::stop), which it notices at its next beat. To be spawned on the loop before the tasks are;
    /// only one at a time.
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

    /// Ends it when the last result is there. A timer that is late by then counts with the time it is late so far.
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

    /// Beats beside `work` in one and the same task, for loops of one thread and no `spawn`; then [`stop`](Self::stop).
    pub async fn beside<T>(&self, io: impl AsyncIo, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let mut beat = pin!(self.beat(io));
        let mut beating = true;
        let output = std::future::poll_fn(|context| {
            // The beat first: it is what shows how long the work held the loop the last time.
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

/// The nearest rank; `None` of nothing.
fn quantile(mut values: Vec<u64>, share: f64) -> Option<u64> {
    values.sort_unstable();
    let rank = (share * values.len() as f64).ceil() as usize;
    values.get(rank.clamp(1, values.len().max(1)) - 1).copied()
}
