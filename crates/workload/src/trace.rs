//! The untimed trace: starts and ends of tasks, event-loop lag, and metrics of the model.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::recorder::{Place, Process, Recorder, Token};
use crate::task::asynchronous::AsyncIo;
use crate::thread_index::thread_index;
use crate::timeline::Timeline;

pub use crate::clock::clock_ns;

/// The records of a trace: when and where each task ran, the lag of the event loop's timers, and
/// the metrics of the model.
#[derive(Debug)]
pub struct Trace {
    start: Instant,
    start_clock_ns: u64,
    /// When each task was done; while it is under way, its [`Token`]. So a task under way takes no
    /// memory of its own, in a sample whose peak of memory is observed.
    done_ns: Vec<AtomicU64>,
    recorder: Mutex<Recorder>,
    beats: Mutex<Beats>,
    metrics: Mutex<BTreeMap<String, f64>>,
}

impl Trace {
    /// Starts the clock for this many tasks.
    pub fn start(tasks: usize) -> Trace {
        Trace::with(Recorder::default(), tasks)
    }

    /// [`start`](Self::start) with a recorder that was made before.
    pub(crate) fn with(recorder: Recorder, tasks: usize) -> Trace {
        Trace {
            start: Instant::now(),
            start_clock_ns: clock_ns(),
            recorder: Mutex::new(recorder),
            done_ns: (0..tasks).map(|_| AtomicU64::new(0)).collect(),
            beats: Mutex::default(),
            metrics: Mutex::default(),
        }
    }

    /// Records that a task starts on the calling thread.
    pub(crate) fn begin(&self, index: usize) {
        let token = self.open(None);
        self.done_ns[index].store(token.raw(), Ordering::Relaxed);
    }

    /// Records that a task was done `ago`, and the end of its span if it [began](Self::begin) here.
    pub(crate) fn note(&self, index: usize, ago: Duration) {
        let done = nanoseconds(self.start.elapsed().saturating_sub(ago));
        let before = self.done_ns[index].swap(done, Ordering::Relaxed);
        if let Some(token) = Token::from_raw(before) {
            self.close(token);
        }
    }

    /// Starts a span on the calling thread: of a stage of a task, or of a request.
    pub(crate) fn open(&self, stage: Option<u32>) -> Token {
        let place = Place {
            process: Process::Own,
            thread: thread_index(),
            stage,
        };
        let mut recorder = self.recorder();
        // Read under the lock: the spans of a lane must not overlap.
        recorder.open(place, nanoseconds(self.start.elapsed()))
    }

    /// Ends a span, on any thread.
    pub(crate) fn close(&self, token: Token) {
        let mut recorder = self.recorder();
        recorder.close(token, nanoseconds(self.start.elapsed()));
    }

    /// Records the spans of tasks that ran in other processes.
    pub(crate) fn add(&self, mut spans: Vec<Elsewhere>) {
        spans.sort_by_key(|span| (span.start_ns, span.end_ns));
        // The end of the last task of each process of one task.
        let mut ends: Vec<u64> = Vec::new();
        let mut recorder = self.recorder();
        for Elsewhere {
            worker,
            start_ns,
            end_ns,
        } in spans
        {
            let process = worker.map_or_else(
                || Process::OfOneTask(free_place(&mut ends, start_ns, end_ns)),
                Process::Worker,
            );
            let place = Place {
                process,
                thread: 0,
                stage: None,
            };
            let since_start = |ns: u64| ns.saturating_sub(self.start_clock_ns);
            recorder.add(place, since_start(start_ns), since_start(end_ns));
        }
    }

    /// When and where the tasks ran, from the start of the trace until now. The records are
    /// taken out.
    pub fn timeline(&self) -> Timeline {
        let recorder = std::mem::take(&mut *self.recorder());
        recorder.finish(nanoseconds(self.start.elapsed()))
    }

    fn recorder(&self) -> MutexGuard<'_, Recorder> {
        self.recorder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn metric(&self, name: &str, value: f64) {
        let mut metrics = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        metrics.insert(name.to_owned(), value);
    }

    /// The time by which this share of the tasks was done, by nearest rank; `None` without tasks.
    pub fn quantile_ns(&self, share: f64) -> Option<u64> {
        let done = self.done_ns.iter().map(|ns| ns.load(Ordering::Relaxed));
        // A task that is still under way counts like one that was never done.
        let done = done.map(|ns| Token::from_raw(ns).map_or(ns, |_| 0));
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

    fn beats(&self) -> MutexGuard<'_, Beats> {
        self.beats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task that ran in another process, by the clock of [`clock_ns`].
#[derive(Debug, Clone, Copy)]
pub struct Elsewhere {
    /// The id of the worker process; `None` if the process lived for this task only.
    pub worker: Option<u32>,
    /// The start of the task.
    pub start_ns: u64,
    /// The end of the task.
    pub end_ns: u64,
}

/// The lowest place whose process has ended by `start_ns`, which is now taken until `end_ns`.
fn free_place(ends: &mut Vec<u64>, start_ns: u64, end_ns: u64) -> u32 {
    let free = ends.iter().position(|end| *end <= start_ns);
    let place = free.unwrap_or_else(|| {
        ends.push(0);
        ends.len() - 1
    });
    ends[place] = end_ns;
    place as u32
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
