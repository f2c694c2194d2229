//! `queue` against its rivals: every item is put, taken and marked done, between one and one thread
//! and between four and four.
//!
//! The channels of tokio and std have a single consumer, so they are left out of the contests with
//! four.

mod channels;
mod looks;
mod ours;
mod race;

use std::num::NonZeroUsize;

use workload_rivals::{Contest, Settings};

const BATCH: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// The work of each contestant.
#[derive(Clone, Copy)]
struct Work {
    /// The number of producers, and of consumers.
    threads: usize,
    capacity: Option<usize>,
    /// Enough for about 20 ms of the faster ones.
    items: u64,
}

fn main() {
    let settings = Settings::from_args();
    for (capacity, items) in [(None, 1_000_000), (Some(128), 400_000)] {
        for threads in [1, 4] {
            let work = Work {
                threads,
                capacity,
                items,
            };
            contest(work).run(&settings);
        }
    }
    looks::contest(&settings);
}

fn contest(work: Work) -> Contest<'static> {
    let Work { threads, items, .. } = work;
    let size = match work.capacity {
        Some(room) => format!("bounded {room}"),
        None => "unbounded".to_owned(),
    };
    let title = format!("{threads}→{threads} threads, {size}");
    let mut contest = Contest::new(title, "item", items)
        .ours("queue", move || ours::one_by_one(work))
        .ours("queue, in batches", move || ours::batches(work))
        .rival("crossbeam-channel", move || channels::crossbeam(work))
        .rival("kanal", move || channels::kanal(work))
        .rival("flume", move || channels::flume(work))
        .rival("async-channel", move || channels::async_channel(work));
    if threads == 1 {
        contest = contest
            .rival("tokio mpsc", move || channels::tokio(work))
            .rival("std mpsc", move || channels::std(work));
    }
    contest.reach(1.4, "crossbeam-channel").reach_with(
        "queue, in batches",
        0.5,
        "crossbeam-channel",
    )
}
