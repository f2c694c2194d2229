//! `queue` against its rivals: every item put, taken and marked done, from one thread to one and from four to four.
//!
//! Only tokio's and std's channels have a single consumer, so they stand out of the contests with four.

mod channels;
mod ours;
mod race;

use std::num::NonZeroUsize;

use workload_rivals::{Contest, Settings};

const BATCH: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// What everybody has to carry.
#[derive(Clone, Copy)]
struct Load {
    /// Producers, and as many consumers.
    threads: usize,
    capacity: Option<usize>,
    /// Enough for some 20 milliseconds of the quicker ones.
    items: u64,
}

fn main() {
    let settings = Settings::from_args();
    for (capacity, items) in [(None, 1_000_000), (Some(128), 400_000)] {
        for threads in [1, 4] {
            let load = Load {
                threads,
                capacity,
                items,
            };
            contest(load).run(&settings);
        }
    }
}

fn contest(load: Load) -> Contest<'static> {
    let Load { threads, items, .. } = load;
    let size = match load.capacity {
        Some(room) => format!("bounded {room}"),
        None => "unbounded".to_owned(),
    };
    let title = format!("{threads}→{threads} threads, {size}");
    let mut contest = Contest::new(title, "item", items)
        .ours("queue", move || ours::one_by_one(load))
        .ours("queue, in batches", move || ours::batches(load))
        .rival("crossbeam-channel", move || channels::crossbeam(load))
        .rival("kanal", move || channels::kanal(load))
        .rival("flume", move || channels::flume(load))
        .rival("async-channel", move || channels::async_channel(load));
    if threads == 1 {
        contest = contest
            .rival("tokio mpsc", move || channels::tokio(load))
            .rival("std mpsc", move || channels::std(load));
    }
    contest.reach(1.4, "crossbeam-channel").reach_with(
        "queue, in batches",
        0.5,
        "crossbeam-channel",
    )
}
