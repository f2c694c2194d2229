//! The cost of watching a busy echo server on tokio, against the same server unwatched, and the
//! delay of reports.

mod echo;
mod latency;

use std::future::pending;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use effective_stall_watch::StallWatch;
use workload_rivals::{Contest, Settings, timed};

use echo::{Echo, Manner};

/// Requests of one run, over all connections.
const REQUESTS: u64 = 20_000;

fn main() {
    let settings = Settings::from_args();
    a_poll(&settings);
    let bare = Echo::start(Manner::Bare);
    let wrapped = Echo::start(Manner::Wrapped);
    let both = Echo::start(Manner::WrappedAndRuntime);
    let often = Echo::start(Manner::BareShortInterval);
    contest(
        "echo, CPU time of the server",
        &settings,
        [&wrapped, &both, &bare, &often],
        |echo| echo.cpu_time(REQUESTS),
    );
    contest(
        "echo, throughput",
        &settings,
        [&wrapped, &both, &bare, &often],
        |echo| echo.time(REQUESTS),
    );
    if settings.filters.is_empty() || settings.filters.iter().any(|filter| filter == "latency") {
        latency::measure(4 * settings.rounds);
    }
}

/// The cost of watching one poll that does nothing.
fn a_poll(settings: &Settings) {
    const POLLS: u64 = 1_000_000;
    let watch = StallWatch::new(Duration::from_millis(100)).expect("a thread");
    let mut wrapped = pin!(watch.wrap(pending::<()>()));
    let mut nested = pin!(watch.wrap(watch.wrap(pending::<()>())));
    let mut bare = pin!(pending::<()>());
    let clock = Instant::now();
    Contest::new("a poll that does nothing", "poll", POLLS)
        .ours("wrapped", || {
            timed(|| (0..POLLS).for_each(|_| poll(wrapped.as_mut())))
        })
        .ours("wrapped twice", || {
            timed(|| (0..POLLS).for_each(|_| poll(nested.as_mut())))
        })
        .rival("two clock reads", || {
            timed(|| {
                (0..2 * POLLS).for_each(|_| {
                    black_box(clock.elapsed());
                });
            })
        })
        .limit("bare", || {
            timed(|| (0..POLLS).for_each(|_| poll(bare.as_mut())))
        })
        .run(settings);
}

fn poll(future: Pin<&mut impl Future<Output = ()>>) {
    let mut context = Context::from_waker(Waker::noop());
    _ = black_box(future.poll(black_box(&mut context)));
}

fn contest(
    title: &str,
    settings: &Settings,
    [wrapped, both, bare, often]: [&Echo; 4],
    measure: impl Fn(&Echo) -> Duration + Copy,
) {
    Contest::new(title, "request", REQUESTS)
        .ours("connections wrapped", move || measure(wrapped))
        .ours("the same, and the runtime watched", move || measure(both))
        .rival("bare tokio", move || measure(bare))
        .limit("bare tokio, event_interval 8", move || measure(often))
        .reach(1.01, "bare tokio")
        .reach_with(
            "the same, and the runtime watched",
            1.01,
            "bare tokio, event_interval 8",
        )
        .run(settings);
}
