//! The Items, second edition, in their order.

use super::{Claim, Figure};

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        item: 52,
        advice: "children run beside each other",
        figure: Figure::Time,
        more: &["sequential"],
        less: &["child-process"],
    },
    Claim {
        item: 53,
        advice: "threads overlap what blocks, and in Rust what computes",
        figure: Figure::Time,
        more: &["sequential"],
        less: &["threads/limited", "threads"],
    },
    Claim {
        item: 54,
        advice: "what all update under a lock costs more than what is merged at the end",
        figure: Figure::Time,
        more: &["locks"],
        less: &["locks/merged"],
    },
    Claim {
        item: 55,
        advice: "a bound keeps what waits from piling up",
        figure: Figure::Memory,
        more: &["queue/unbounded"],
        less: &["queue"],
    },
    Claim {
        item: 56,
        advice: "concurrency may cost more than it gains",
        figure: Figure::Time,
        more: &["thread-pool"],
        less: &["sequential"],
    },
    Claim {
        item: 57,
        advice: "a thread for each task costs more than threads that are reused",
        figure: Figure::Time,
        more: &["threads"],
        less: &["thread-pool"],
    },
    Claim {
        item: 58,
        advice: "workers behind a queue cost less than a thread for each task",
        figure: Figure::Time,
        more: &["threads"],
        less: &["queue"],
    },
    Claim {
        item: 59,
        advice: "an executor costs no more than a queue with workers of one's own",
        figure: Figure::Time,
        more: &["queue"],
        less: &["thread-pool"],
    },
    Claim {
        item: 60,
        advice: "coroutines are for what mostly waits",
        figure: Figure::Time,
        more: &["thread-pool"],
        less: &["tokio-tasks", "coroutines", "async-std-tasks"],
    },
    Claim {
        item: 61,
        advice: "a server of threads can be ported to coroutines",
        figure: Figure::Time,
        more: &["threads"],
        less: &["tokio-tasks", "async-std-tasks", "coroutines"],
    },
    Claim {
        item: 62,
        advice: "coroutines and blocking code mix",
        figure: Figure::Time,
        more: &["thread-pool"],
        less: &["bridge"],
    },
    Claim {
        item: 63,
        advice: "what blocks belongs off the event loop",
        figure: Figure::LoopLag,
        more: &["tokio-tasks/blocking-in-loop"],
        less: &["tokio-tasks/offloaded"],
    },
    Claim {
        item: 64,
        advice: "computing is for all cores",
        figure: Figure::Time,
        more: &["sequential"],
        less: &["data-parallel"],
    },
    Claim {
        item: 64,
        advice: "which takes processes in Python, and threads do as well in Rust",
        figure: Figure::Time,
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
}
