//! Where a run ends before its inputs do.

#![allow(unreachable_pub, reason = "public to the model checks")]

use crate::sync::{AtomicUsize, Mutex, Ordering, Thread, current, lock};

/// Not cut: every index lies before it.
const NEVER: usize = usize::MAX;

/// The index from which on items are no longer worked on, why, and whom to tell.
///
/// In a run with ordered outputs an item that fails cuts at its own index: those before it go on, and one of them that
/// fails moves the cut forward. So the outputs and the error are those that a loop over the inputs would have had. Where
/// the order does not matter, and when the run is stopped, the cut is at 0 and hits everything.
pub struct Cut<C> {
    at: AtomicUsize,
    cause: Mutex<Option<C>>,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    crew: Vec<Thread>,
    /// Whoever takes the outputs, which may be another thread each time.
    consumer: Option<Thread>,
}

impl<C> Cut<C> {
    pub fn new() -> Self {
        Self {
            at: AtomicUsize::new(NEVER),
            cause: Mutex::new(None),
            told: Mutex::new(Told::default()),
        }
    }

    /// The index of the first item that is not to be worked on.
    ///
    /// Relaxed, since nothing else is read on the strength of it. A thread that looks before it parks misses no cut
    /// either: that is unparked after the cut, which orders the two.
    pub fn at(&self) -> usize {
        self.at.load(Ordering::Relaxed)
    }

    pub fn is_cut(&self) -> bool {
        self.at() != NEVER
    }

    /// Everything is to end.
    pub fn is_stopped(&self) -> bool {
        self.at() == 0
    }

    /// Have this thread of the run unparked at each cut from now on.
    pub fn tell_crew(&self) {
        lock(&self.told).crew.push(current());
    }

    /// Have this thread, in place of the one before, unparked at each cut from now on.
    pub fn tell_consumer(&self) {
        lock(&self.told).consumer = Some(current());
    }

    /// Cut at an index. The cause that no longer counts, the one given if there was an earlier cut, else the one before,
    /// is handed back.
    pub fn cut(&self, index: usize, cause: C) -> Option<C> {
        let mut kept = lock(&self.cause);
        if self.at() <= index {
            return Some(cause);
        }
        let before = kept.replace(cause);
        self.at.store(index, Ordering::Relaxed);
        drop(kept);
        // After the store: whoever enlists later takes this lock after us and sees it.
        let told = lock(&self.told);
        for thread in told.crew.iter().chain(&told.consumer) {
            thread.unpark();
        }
        before
    }

    /// Why it was cut, for the one who asks first.
    pub fn take_cause(&self) -> Option<C> {
        lock(&self.cause).take()
    }
}
