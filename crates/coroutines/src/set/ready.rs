//! Which tasks of a set were woken: a bit each, in blocks, and a list of the blocks that have any.
//!
//! A wake is one atomic operation on the word of its block. Only the first in a block since its last visit goes on to the
//! inbox of the set, under a short lock, and only the first in an inbox since the set went to sleep wakes the task that
//! polls the set: so both are paid once for many wakes.

use std::mem::{swap, take};
use std::task::Waker;

use super::sync::{Arc, AtomicUsize, Mutex, Ordering, lock};

/// How many tasks share a block: one for each bit of the word, which every target has an atomic of.
pub(crate) const TASKS: usize = usize::BITS as usize;

/// The wakes of up to [`TASKS`] tasks. Aligned so that a pointer to it has room for the place of a task: see `waker.rs`.
#[repr(align(64))]
pub(crate) struct Block {
    woken: AtomicUsize,
    /// Which block of its set it is.
    number: usize,
    inbox: Arc<Inbox>,
}

impl Block {
    pub(crate) fn new(number: usize, inbox: Arc<Inbox>) -> Self {
        Self {
            woken: AtomicUsize::new(0),
            number,
            inbox,
        }
    }

    /// Notes that a task is to be polled. What was written before this is seen by the poll that follows.
    ///
    /// # Panics
    /// When the waker of the set's owner does; everything is noted by then.
    pub(crate) fn wake(&self, place: usize) {
        // Who finds the word empty puts the block on the list, and nobody else does until it was emptied again: so it is
        // never there twice. Release, and Acquire below: any wake in between goes on in the same release sequence.
        if self.woken.fetch_or(1 << place, Ordering::Release) == 0 {
            self.inbox.put(self.number);
        }
    }

    /// The places that were woken, once each. Only for a block that came from the inbox.
    pub(crate) fn take(&self) -> usize {
        self.woken.swap(0, Ordering::Acquire)
    }
}

/// The blocks with tasks that were woken, and who is to be told.
pub(crate) struct Inbox(Mutex<State>);

struct State {
    blocks: Vec<usize>,
    owner: Option<Waker>,
    closed: bool,
}

impl Inbox {
    pub(crate) fn new() -> Self {
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

    /// Exchanges the blocks for an empty `batch`. Whether there were any.
    pub(crate) fn take(&self, batch: &mut Vec<usize>) -> bool {
        debug_assert!(
            batch.is_empty(),
            "a batch is taken when the last one is done"
        );
        let mut state = lock(&self.0);
        swap(&mut state.blocks, batch);
        !batch.is_empty()
    }

    /// Leaves a waker for the next wake. `false`: there was one already, and no waker is left.
    pub(crate) fn park(&self, waker: &Waker) -> bool {
        // A waker is cloned and dropped outside the lock: both may be anybody's code.
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

    /// From now on wakes lead nowhere.
    pub(crate) fn close(&self) {
        let mut state = lock(&self.0);
        state.closed = true;
        let blocks = take(&mut state.blocks);
        let owner = state.owner.take();
        drop(state);
        drop((blocks, owner));
    }
}
