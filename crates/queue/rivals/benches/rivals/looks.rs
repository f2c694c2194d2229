//! A look into an empty queue: a timeout of zero against the call that never blocks.

use std::hint::black_box;
use std::time::Duration;

use effective_queue::Queue;
use workload_rivals::{Contest, Settings, timed};

const LOOKS: u64 = 1_000_000;

fn look(mut is_empty: impl FnMut() -> bool) -> Duration {
    timed(|| {
        for _ in 0..LOOKS {
            assert!(black_box(is_empty()));
        }
    })
}

pub(crate) fn contest(settings: &Settings) {
    let queue = Queue::<u64>::unbounded();
    let (_sender, receiver) = crossbeam_channel::unbounded::<u64>();
    Contest::new("a look into an empty queue", "look", LOOKS)
        .ours("queue get_timeout(ZERO)", || {
            look(|| queue.get_timeout(Duration::ZERO).is_err())
        })
        .limit("queue try_get", || look(|| queue.try_get().is_err()))
        .rival("crossbeam-channel recv_timeout(ZERO)", || {
            look(|| receiver.recv_timeout(Duration::ZERO).is_err())
        })
        .limit("crossbeam-channel try_recv", || {
            look(|| receiver.try_recv().is_err())
        })
        .reach(2.0, "queue try_get")
        .run(settings);
}
