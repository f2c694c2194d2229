//! The wake-up flags of a set: one bit per task, in blocks, and a list of blocks with set bits.
//!
//! A wake is one atomic operation on the word of its block. Only the first wake in a block since
//! its last visit continues to the inbox of the set, under a short lock, and only the first block
//! in the inbox since the set was parked wakes the task that polls the set. A burst of wakes shares
//! the cost of both.

#![allow(unreachable_pub, reason = "`tests/model_check.rs` uses this file")]

use std::mem::{swap, take};
use std::task::Waker;

use crate::sync::{Arc, AtomicUsize, Mutex, Ordering, lock};

/// The tasks of a block: one for each bit of the word, which every target has an atomic of.
pub const TASKS: usize = usize::BITS as usize;

/// The wake-up flags of up to [`TASKS`] tasks.
///
/// It is aligned so that a pointer to it has room for the slot of a task: see `waker.rs`.
#[repr(align(64))]
pub struct Block {
    woken: AtomicUsize,
    /// The index of this block in its set.
    index: usize,
    inbox: Arc<Inbox>,
}

impl Block {
    /// The flags with this index in the set of `inbox`.
    pub fn new(index: usize, inbox: Arc<Inbox>) -> Self {
        Self {
            woken: AtomicUsize::new(0),
            index,
            inbox,
        }
    }

    /// Marks a task as woken. The poll that follows sees everything written before this call.
    ///
    /// # Panics
    /// If the waker of the set's owner panics; the task is marked by then.
    pub fn wake(&self, slot: usize) {
        // Only the wake that finds the word empty puts the block on the list, so it is never there
        // twice. Release, and Acquire below: later wakes continue the same release sequence.
        if self.woken.fetch_or(1 << slot, Ordering::Release) == 0 {
            self.inbox.put(self.index);
        }
    }

    /// Takes the bits of the woken slots. Only for a block that came from the inbox.
    pub fn take(&self) -> usize {
        self.woken.swap(0, Ordering::Acquire)
    }
}

/// The blocks with woken tasks, and the waker of the set's owner.
pub struct Inbox(Mutex<State>);

struct State {
    blocks: Vec<usize>,
    owner: Option<Waker>,
    closed: bool,
}

impl Inbox {
    /// An open inbox without blocks.
    #[allow(clippy::new_without_default, reason = "no caller is generic")]
    pub fn new() -> Self {
        Self(Mutex::new(State {
            blocks: Vec::new(),
            owner: None,
            closed: false,
        }))
    }

    fn put(&self, block: usize) {
        let mut state = lock(&self.0);
        if state.closed {
            return;
        }
        state.blocks.push(block);
        let owner = state.owner.take();
        drop(state);
        if let Some(owner) = owner {
            owner.wake();
        }
    }

    /// Swaps the blocks for an empty `batch`. Returns whether there were any.
    pub fn take(&self, batch: &mut Vec<usize>) -> bool {
        debug_assert!(
            batch.is_empty(),
            "a batch is taken when the last one is done"
        );
        let mut state = lock(&self.0);
        swap(&mut state.blocks, batch);
        !batch.is_empty()
    }

    /// Leaves a waker for the next wake. Returns `false`, and leaves none, if a block is there.
    pub fn park(&self, waker: &Waker) -> bool {
        // Wakers are cloned and dropped outside the lock, because that may run any code.
        let mut ours = None;
        loop {
            let mut state = lock(&self.0);
            if !state.blocks.is_empty() {
                return false;
            }
            if state
                .owner
                .as_ref()
                .is_some_and(|owner| owner.will_wake(waker))
            {
                return true;
            }
            if let Some(ours) = ours.take() {
                let before = state.owner.replace(ours);
                drop(state);
                drop(before);
                return true;
            }
            drop(state);
            ours = Some(waker.clone());
        }
    }

    /// Makes all later wakes do nothing.
    pub fn close(&self) {
        let mut state = lock(&self.0);
        state.closed = true;
        let blocks = take(&mut state.blocks);
        let owner = state.owner.take();
        drop(state);
        drop((blocks, owner));
    }
}
