//! Model checks of the wakes, on the real code: `cargo xtask ci` builds it with loom's primitives.
//!
//! `RUSTFLAGS="--cfg model_check" CARGO_TARGET_DIR=target/model_check cargo test --release -p coroutines --test model_check`
#![cfg(model_check)]
#![allow(dead_code, reason = "each model uses a part of the protocol")]

#[path = "../src/set/ready.rs"]
mod ready;
#[path = "../src/set/sync.rs"]
mod sync;
#[path = "../src/set/waker.rs"]
mod waker;

use std::future::poll_fn;
use std::sync::Arc as StdArc;
use std::sync::atomic::{AtomicUsize as StdUsize, Ordering as StdOrdering};
use std::task::{Poll, Wake, Waker};

use effective_coroutines::Tasks;
use loom::cell::UnsafeCell;
use loom::future::block_on;
use loom::model::Builder;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::thread;
use ready::{Block, Inbox, TASKS};
use sync::Arc;
use waker::with_waker;

/// All interleavings with at most so many preemptions.
fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// An owner's waker that counts.
#[derive(Default)]
struct Owner(AtomicUsize);

impl Wake for Owner {
    fn wake(self: StdArc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn waker_of(block: &Arc<Block>, place: usize) -> Waker {
    with_waker(block, place, Waker::clone)
}

/// Takes what was woken: one bit per place, per block.
fn taken(inbox: &Inbox, blocks: &[Arc<Block>]) -> Vec<usize> {
    let mut batch = Vec::new();
    let mut woken = vec![0; blocks.len()];
    inbox.take(&mut batch);
    for block in batch {
        let bits = blocks[block].take();
        assert_eq!(woken[block], 0, "a block is on the list once");
        assert_ne!(bits, 0, "a block is on the list for something");
        woken[block] = bits;
    }
    woken
}

fn blocks(count: usize) -> (Arc<Inbox>, Vec<Arc<Block>>) {
    let inbox = Arc::new(Inbox::new());
    let blocks = (0..count)
        .map(|number| Arc::new(Block::new(number, Arc::clone(&inbox))))
        .collect();
    (inbox, blocks)
}

#[test]
fn no_wake_is_lost_and_the_owner_is_told() {
    check(3, || {
        let (inbox, blocks) = blocks(2);
        let owner = StdArc::new(Owner::default());
        let threads: Vec<_> = [(0, 0), (0, TASKS - 1), (1, 5)]
            .into_iter()
            .map(|(block, place)| {
                let waker = waker_of(&blocks[block], place);
                thread::spawn(move || waker.wake())
            })
            .collect();

        let parked = Waker::from(StdArc::clone(&owner));
        let mut woken = taken(&inbox, &blocks);
        let told = inbox.park(&parked);
        for thread in threads {
            thread.join().unwrap();
        }
        let late = taken(&inbox, &blocks);
        if told && late.iter().any(|bits| *bits != 0) {
            assert_eq!(owner.0.load(Ordering::SeqCst), 1, "once, however many came");
        }
        for (woken, late) in woken.iter_mut().zip(late) {
            *woken |= late;
        }
        assert_eq!(woken, [1 | 1 << (TASKS - 1), 1 << 5]);
        inbox.close();
    });
}

#[test]
fn what_was_written_before_a_wake_is_seen_after_it() {
    check(3, || {
        struct Data([UnsafeCell<usize>; 2]);
        // SAFETY: each cell is written by one thread before its wake and read after the wake was taken; loom checks it.
        unsafe impl Sync for Data {}

        let (inbox, blocks) = blocks(1);
        let data = StdArc::new(Data([UnsafeCell::new(0), UnsafeCell::new(0)]));
        let threads: Vec<_> = (0..2)
            .map(|place| {
                let waker = waker_of(&blocks[0], place);
                let data = StdArc::clone(&data);
                thread::spawn(move || {
                    // SAFETY: see above.
                    data.0[place].with_mut(|data| unsafe { *data = 7 });
                    waker.wake_by_ref();
                })
            })
            .collect();
        for _ in 0..2 {
            let woken = taken(&inbox, &blocks)[0];
            for place in 0..2 {
                if woken & 1 << place != 0 {
                    // SAFETY: see above.
                    assert_eq!(data.0[place].with(|data| unsafe { *data }), 7);
                }
            }
        }
        for thread in threads {
            thread.join().unwrap();
        }
        inbox.close();
    });
}

#[test]
fn wakers_and_the_set_let_go_of_everything_in_any_order() {
    check(3, || {
        let (inbox, mut blocks) = blocks(1);
        let owner = StdArc::new(Owner::default());
        let waker = waker_of(&blocks[0], 3);
        let other = thread::spawn(move || {
            let again = waker.clone();
            waker.wake();
            drop(again);
        });
        inbox.park(&Waker::from(StdArc::clone(&owner)));
        inbox.close();
        drop((blocks.pop(), inbox));
        other.join().unwrap();
        // Loom finds what is leaked of its own; this one is std's.
        assert_eq!(StdArc::strong_count(&owner), 1);
    });
}

#[test]
fn a_map_ends_however_its_tasks_are_woken() {
    check(2, || {
        let polls = StdArc::new(StdUsize::new(0));
        let seen = StdArc::clone(&polls);
        let results = block_on(Tasks::new().map(0..2_usize, move |number| {
            let flag = StdArc::new(AtomicBool::new(false));
            let mut thread = None;
            let seen = StdArc::clone(&seen);
            poll_fn(move |cx| {
                seen.fetch_add(1, StdOrdering::Relaxed);
                if thread.is_none() {
                    let (flag, waker) = (StdArc::clone(&flag), cx.waker().clone());
                    thread = Some(thread::spawn(move || {
                        flag.store(true, Ordering::Release);
                        waker.wake();
                    }));
                }
                if flag.load(Ordering::Acquire) {
                    thread.take().unwrap().join().unwrap();
                    return Poll::Ready(number);
                }
                Poll::Pending
            })
        }));
        assert!(results.into_iter().map(Result::unwrap).eq(0..2));
        assert!(
            polls.load(StdOrdering::Relaxed) <= 4,
            "no poll without a wake"
        );
    });
}
