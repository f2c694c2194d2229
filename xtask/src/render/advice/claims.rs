//! The Items, second edition, in their order.
//!
//! A claim is what an Item says as far as figures can decide it, worded so that "holds here" and
//! "does not hold here" can follow. Each stands only on the work that it is about.

use super::{Claim, Figure, Form, Work};

const THREADS: &[&str] = &["threads", "threads/limited", "threads/cores"];

const COROUTINES: &[&str] = &["tokio-tasks", "coroutines", "async-std-tasks"];

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        item: 52,
        says: "child processes run side by side",
        work: Work::Programs,
        figure: Figure::Time,
        form: Form::Less,
        more: &["sequential"],
        less: &["child-process"],
    },
    Claim {
        item: 53,
        says: "threads make waits overlap",
        work: Work::Waits,
        figure: Figure::Time,
        form: Form::Less,
        more: &["sequential"],
        less: THREADS,
    },
    // The Item's other half, the other way round: in Python they cannot.
    Claim {
        item: 53,
        says: "threads compute in parallel",
        work: Work::Computes,
        figure: Figure::Time,
        form: Form::Less,
        more: &["sequential"],
        less: THREADS,
    },
    // That locks keep shared state right is shown by the digests, not by a figure.
    Claim {
        item: 54,
        says: "a lock for each update costs more than merging at the end",
        work: Work::Fold,
        figure: Figure::Time,
        form: Form::Less,
        more: &["locks"],
        less: &["locks/merged"],
    },
    Claim {
        item: 55,
        says: "a bound on the queue saves memory",
        work: Work::Pipeline,
        figure: Figure::Memory,
        form: Form::Less,
        more: &["queue/unbounded"],
        less: &["queue"],
    },
    Claim {
        item: 56,
        says: "this work needs concurrency",
        work: Work::Any,
        figure: Figure::Time,
        form: Form::Less,
        more: &["sequential"],
        less: &[
            "threads",
            "threads/limited",
            "threads/cores",
            "data-parallel",
            "thread-pool",
            "queue",
            "coroutines",
            "tokio-tasks",
            "async-std-tasks",
            "process-pool",
        ],
    },
    Claim {
        item: 57,
        says: "a new thread for each task costs more than threads that are reused",
        work: Work::Any,
        figure: Figure::Time,
        form: Form::Less,
        more: &["threads"],
        less: &["thread-pool"],
    },
    Claim {
        item: 58,
        says: "workers behind a queue cost less than a new thread for each task",
        work: Work::Rounds,
        figure: Figure::Time,
        form: Form::Less,
        more: &["threads"],
        less: &["queue"],
    },
    Claim {
        item: 58,
        says: "stages that queues connect overlap",
        work: Work::Pipeline,
        figure: Figure::Time,
        form: Form::Less,
        more: &["sequential"],
        less: &["queue"],
    },
    Claim {
        item: 59,
        says: "a thread pool costs no more than a queue with workers",
        work: Work::Any,
        figure: Figure::Time,
        form: Form::NoMore,
        more: &["queue"],
        less: &["thread-pool"],
    },
    Claim {
        item: 60,
        says: "coroutines carry many waits for less than threads do",
        work: Work::Waits,
        figure: Figure::Time,
        form: Form::Less,
        more: &["threads", "threads/limited", "thread-pool", "queue"],
        less: COROUTINES,
    },
    Claim {
        item: 61,
        says: "a ported server holds its sessions in less memory",
        work: Work::Serve,
        figure: Figure::MemoryOfSession,
        form: Form::Less,
        more: &["threads"],
        less: &["tokio-tasks", "async-std-tasks"],
    },
    Claim {
        item: 62,
        says: "mixing costs no more than threads alone",
        work: Work::Any,
        figure: Figure::Time,
        form: Form::NoMore,
        more: &["threads", "threads/limited", "thread-pool"],
        less: &["bridge", "bridge/portal"],
    },
    Claim {
        item: 62,
        says: "mixing costs no more than coroutines alone",
        work: Work::Any,
        figure: Figure::Time,
        form: Form::NoMore,
        more: COROUTINES,
        less: &["bridge", "bridge/portal"],
    },
    Claim {
        item: 63,
        says: "blocking calls in the event loop hold up all the rest",
        work: Work::Any,
        figure: Figure::LoopLag,
        form: Form::Less,
        more: &["tokio-tasks/blocking-in-loop"],
        less: &["tokio-tasks/offloaded"],
    },
    Claim {
        item: 64,
        says: "computing in parallel pays",
        work: Work::Computes,
        figure: Figure::Time,
        form: Form::Less,
        more: &["sequential"],
        less: &["data-parallel", "thread-pool"],
    },
    Claim {
        item: 64,
        says: "threads compute as fast as processes do",
        work: Work::Computes,
        figure: Figure::Time,
        form: Form::NoMore,
        more: &["process-pool"],
        less: &["thread-pool"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_items_are_in_order_and_nobody_is_compared_with_itself() {
        assert!(CLAIMS.is_sorted_by_key(|claim| claim.item));
        for claim in CLAIMS {
            assert!((52..=64).contains(&claim.item));
            assert!(claim.more.iter().all(|name| !claim.less.contains(name)));
        }
    }

    #[test]
    fn every_item_of_the_chapter_has_a_claim() {
        for item in 52..=64 {
            assert!(CLAIMS.iter().any(|claim| claim.item == item), "Item {item}");
        }
    }
}
