//! Model checks of the wake-up protocol under loom.
//!
//! `RUSTFLAGS="--cfg model_check" CARGO_TARGET_DIR=target/model-check \
//! cargo test --release -p effective-coroutines --test model_check`
#![cfg(model_check)]

use std::future::poll_fn;
use std::sync::Arc as StdArc;
use std::sync::atomic::{AtomicUsize as StdUsize, Ordering as StdOrdering};
use std::task::{Poll, Wake, Waker};

use effective_coroutines::Tasks;
use effective_coroutines::model::{Block, Inbox, TASKS, with_waker};
use loom::cell::UnsafeCell;
use loom::future::block_on;
use loom::model::Builder;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::thread;

/// Checks all interleavings with at most `preemptions` preemptions.
fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// Counts the wakes of the owner.
#[derive(Default)]
struct Owner(AtomicUsize);

impl Wake for Owner {
    fn wake(self: StdArc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn waker_of(block: &Arc<Block>, slot: usize) -> Waker {
    with_waker(block, slot, Waker::clone)
}

/// Takes the wakes: one bit per slot, for each block.
fn taken(inbox: &Inbox, blocks: &[Arc<Block>]) -> Vec<usize> {
    let mut batch = Vec::new();
    let mut woken = vec![0; blocks.len()];
    inbox.take(&mut batch);
    for block in batch {
        let bits = blocks[block].take();
        assert_eq!(woken[block], 0, "a block is on the list once");
        assert_ne!(bits, 0, "a block on the list has a wake");
        woken[block] = bits;
    }
    woken
}

fn blocks(count: usize) -> (Arc<Inbox>, Vec<Arc<Block>>) {
    let inbox = Arc::new(Inbox::new());
    let blocks = (0..count)
        .map(|index| Arc::new(Block::new(index, Arc::clone(&inbox))))
        .collect();
    (inbox, blocks)
}

#[test]
fn no_wake_is_lost_and_the_owner_is_woken() {
    check(3, || {
        let (inbox, blocks) = blocks(2);
        let owner = StdArc::new(Owner::default());
        let threads: Vec<_> = [(0, 0), (0, TASKS - 1), (1, 5)]
            .into_iter()
            .map(|(block, slot)| {
                let waker = waker_of(&blocks[block], slot);
                thread::spawn(move || waker.wake())
            })
            .collect();

        let parked = Waker::from(StdArc::clone(&owner));
        let mut woken = taken(&inbox, &blocks);
        let is_parked = inbox.park(&parked);
        for thread in threads {
            thread.join().unwrap();
        }
        let late = taken(&inbox, &blocks);
        if is_parked && late.iter().any(|bits| *bits != 0) {
            assert_eq!(
                owner.0.load(Ordering::SeqCst),
                1,
                "many wakes are one wake of the owner"
            );
        }
        for (woken, late) in woken.iter_mut().zip(late) {
            *woken |= late;
        }
        assert_eq!(woken, [1 | 1 << (TASKS - 1), 1 << 5]);
        inbox.close();
    });
}

#[test]
fn poll_sees_writes_before_the_wake() {
    check(3, || {
        struct Data([UnsafeCell<usize>; 2]);
        // SAFETY: each cell is written by one thread before its wake, and read after the wake was
        // taken. Loom checks that.
        unsafe impl Sync for Data {}

        let (inbox, blocks) = blocks(1);
        let data = StdArc::new(Data([UnsafeCell::new(0), UnsafeCell::new(0)]));
        let threads: Vec<_> = (0..2)
            .map(|slot| {
                let waker = waker_of(&blocks[0], slot);
                let data = StdArc::clone(&data);
                thread::spawn(move || {
                    // SAFETY: see above.
                    data.0[slot].with_mut(|data| unsafe { *data = 7 });
                    waker.wake_by_ref();
                })
            })
            .collect();
        for _ in 0..2 {
            let woken = taken(&inbox, &blocks)[0];
            for slot in 0..2 {
                if woken & 1 << slot != 0 {
                    // SAFETY: see above.
                    assert_eq!(data.0[slot].with(|data| unsafe { *data }), 7);
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
fn wakers_and_inbox_may_be_dropped_in_any_order() {
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
        // Loom finds leaks of its own types; this count is std's.
        assert_eq!(StdArc::strong_count(&owner), 1);
    });
}

#[test]
fn map_ends_however_its_tasks_are_woken() {
    check(2, || {
        let polls = StdArc::new(StdUsize::new(0));
        let seen = StdArc::clone(&polls);
        let results = block_on(Tasks::new().map(0..2_usize, move |n| {
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
                    return Poll::Ready(n);
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
