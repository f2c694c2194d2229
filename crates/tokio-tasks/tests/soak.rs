//! Soak test: full load with random panics, cancellations and timeouts for `SOAK_SECONDS` (default
//! 1). Every future is dropped once, every awaited result arrives, and no thread or memory leaks.

mod runtime;
mod support;

use std::env;
use std::fs;
use std::future::pending;
use std::num::NonZeroUsize;
use std::panic::panic_any;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures::stream::{Stream, StreamExt};
use runtime::tasks::{
    Backoff, Retry, TaskError, TaskGroup, Tasks, first_completed, gather, map, map_local, timeout,
};
use support::{Gauge, Live, PanicsInDrop, eventually, in_bounded_time, poll_times, turns};

/// The duration of the test.
fn seconds() -> u64 {
    match env::var("SOAK_SECONDS") {
        Ok(text) => text.parse().expect("SOAK_SECONDS is a number of seconds"),
        Err(_) => 1,
    }
}

/// A linear congruential generator, with the constants of Knuth's MMIX.
#[derive(Clone, Copy)]
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

/// The behaviour of a task, drawn at random.
#[derive(Clone, Copy)]
enum Behaviour {
    Ends(usize),
    Fails(usize),
    Panics(usize),
    PanicsBadly,
    Sleeps,
    NeverEnds,
}

impl Behaviour {
    /// `endless` says whether the round allows a task that never ends.
    fn draw(random: &mut Random, endless: bool) -> Self {
        match random.below(20) {
            0 => Self::Panics(random.below(4)),
            1 => Self::PanicsBadly,
            2 => Self::Fails(random.below(4)),
            3 => Self::Sleeps,
            4 if endless => Self::NeverEnds,
            _ => Self::Ends(random.below(4)),
        }
    }

    async fn run(self, live: Live) -> Result<u64, u64> {
        let _live = live;
        match self {
            Self::Ends(turned) => turns(turned).await,
            Self::Fails(turned) => {
                turns(turned).await;
                return Err(1);
            }
            Self::Panics(turned) => {
                turns(turned).await;
                panic!("as drawn");
            }
            Self::PanicsBadly => panic_any(PanicsInDrop),
            Self::Sleeps => runtime::sleep(Duration::from_micros(300)).await,
            Self::NeverEnds => pending().await,
        }
        Ok(1)
    }
}

/// The number of outcomes of each kind.
#[derive(Debug, Default)]
struct Tally {
    rounds: u64,
    ended: u64,
    panicked: u64,
    dropped: u64,
    timed_out: u64,
}

impl Tally {
    fn count<T>(&mut self, results: impl IntoIterator<Item = Result<T, TaskError>>) -> usize {
        let mut count = 0;
        for result in results {
            count += 1;
            match result {
                Ok(_) => self.ended += 1,
                Err(TaskError::Panicked(_)) => self.panicked += 1,
                Err(error) => panic!("unexpected: {error}"),
            }
        }
        count
    }

    /// Runs one combinator over a few tasks, until its end or until it is dropped.
    async fn round(&mut self, gauge: &Gauge, random: &mut Random) {
        self.rounds += 1;
        let many = random.below(40);
        let polls = random.below(60);
        let dropped = random.below(2) == 0;
        let limit = NonZeroUsize::new(1 + random.below(8)).unwrap();
        let mut seed = *random;
        let work = |_| Behaviour::draw(&mut seed, dropped).run(gauge.enter());
        random.below(2);
        match random.below(8) {
            0 if dropped => self.drop_at(polls, map(0..many, work)).await,
            0 => assert_eq!(self.count(map(0..many, work).await), many),
            1 if dropped => {
                let limited = Tasks::new().limit(limit).map(0..many, work);
                self.drop_at(polls, limited).await;
            }
            1 => {
                let limited = Tasks::new().limit(limit).map(0..many, work);
                assert_eq!(self.count(limited.await), many);
            }
            2 if dropped => self.drop_at(polls, map_local(0..many, work)).await,
            2 => assert_eq!(self.count(map_local(0..many, work).await), many),
            3 => {
                let answers = Tasks::new().limit(limit).as_completed(0..many, work);
                self.read(answers, many, dropped.then_some(polls)).await;
            }
            4 => {
                let futures: Vec<_> = (0..many).map(work).collect();
                let limit = Duration::from_millis(2);
                match timeout(limit, first_completed(futures)).await {
                    Ok(Ok((_, first))) => drop(self.count([first])),
                    Ok(Err(_)) => assert_eq!(many, 0),
                    Err(_) => self.timed_out += 1,
                }
            }
            5 => {
                let mut group = TaskGroup::new();
                (0..many).map(work).for_each(|task| group.spawn(task));
                self.end_group(group, polls, random.below(3)).await;
            }
            6 => {
                let futures: Vec<_> = (0..many).map(work).collect();
                match timeout(Duration::from_millis(2), gather(futures)).await {
                    Ok(results) => assert_eq!(self.count(results), many),
                    Err(_) => self.timed_out += 1,
                }
            }
            _ => {
                let retry = Retry::new().backoff(Backoff::none()).run(|attempt| {
                    let live = gauge.enter();
                    Behaviour::Fails(attempt).run(live)
                });
                self.drop_at(polls, retry).await;
            }
        }
    }

    /// Reads all results of a stream, or until a read takes more than `polls` polls.
    async fn read(
        &mut self,
        answers: impl Stream<Item = (usize, Result<Result<u64, u64>, TaskError>)>,
        many: usize,
        polls: Option<usize>,
    ) {
        let mut answers = pin!(answers);
        let mut read = 0;
        loop {
            let next = answers.next();
            let next = match polls {
                Some(polls) => poll_times(pin!(next), polls).await,
                None => Some(next.await),
            };
            match next {
                Some(Some((_, answer))) => read += self.count([answer]),
                Some(None) => return assert_eq!(read, many),
                None => {
                    self.dropped += 1;
                    return;
                }
            }
        }
    }

    /// Drops, cancels or joins a group.
    async fn end_group(&mut self, group: TaskGroup<u64, u64>, polls: usize, how: usize) {
        let many = group.len();
        match how {
            0 => self.drop_at(polls, group.join_all()).await,
            1 => assert_eq!(group.cancel().await.len(), many),
            _ => match timeout(Duration::from_millis(2), group.join_all()).await {
                Ok(Ok(values)) => assert_eq!(values.len(), many),
                Ok(Err(error)) => assert!(!error.failures().is_empty()),
                Err(_) => self.timed_out += 1,
            },
        }
    }

    async fn drop_at(&mut self, polls: usize, future: impl Future) {
        match poll_times(pin!(future), polls).await {
            Some(_) => self.ended += 1,
            None => self.dropped += 1,
        }
    }
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// The resident memory in KiB; 0 if it is unknown.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

#[test]
fn full_load_leaks_nothing() {
    // Suppresses thousands of messages of intended panics.
    std::panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let intended = payload.is::<PanicsInDrop>()
            || payload
                .downcast_ref::<&str>()
                .is_some_and(|text| matches!(*text, "as drawn" | "in drop"));
        if !intended {
            eprintln!("{info}");
        }
    }));
    let time = Duration::from_secs(seconds());
    in_bounded_time(|| runtime::on_each(async || soak_for(time / 2).await));
}

async fn soak_for(time: Duration) {
    let start = Instant::now();
    let gauge = Gauge::default();
    let mut random = Random(7);
    let mut tally = Tally::default();
    let mut before = None;
    while start.elapsed() < time {
        tally.round(&gauge, &mut random).await;
        if before.is_none() && start.elapsed() > time / 4 {
            before = Some((threads(), resident()));
        }
    }
    eventually("every future is dropped", || gauge.live() == 0).await;
    println!("{tally:?}, {} futures", gauge.entered());
    assert!(
        tally.rounds > 10 && tally.panicked > 0 && tally.dropped > 0,
        "{tally:?}"
    );
    if let Some((threads_then, resident_then)) = before {
        assert!(
            threads() <= threads_then,
            "{} threads, once {threads_then}",
            threads()
        );
        let most = resident_then + 32 * 1024;
        assert!(
            resident() < most,
            "{} KiB, once {resident_then} KiB",
            resident()
        );
    }
}
