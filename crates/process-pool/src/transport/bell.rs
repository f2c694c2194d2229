//! A bell: one side sleeps until the other has something for it, and a wake-up costs nothing while nobody sleeps.
//!
//! It is an event count cut down to one sleeper. The sleeper arms the bell, looks *again* for what it waits for, and
//! only then sleeps. The other side publishes first and looks at the bell afterwards. Between the two halves of each
//! side stands a sequentially consistent fence, so that at least one of them sees the other (Dekker's argument).

use super::sync::{AtomicU32, Ordering, fence};

const QUIET: u32 = 0;
const ARMED: u32 = 1;

/// One word in shared memory. All zeros is a quiet bell.
///
/// The accesses to the word are sequentially consistent too, although the fences suffice: this costs nothing where it is
/// quick, and loom, which orders writes less than the language does, can then follow the argument.
#[repr(transparent)]
pub(crate) struct Bell {
    word: AtomicU32,
}

impl Bell {
    /// A quiet bell.
    #[cfg(model_check)]
    pub(crate) fn new() -> Self {
        Self {
            word: AtomicU32::new(QUIET),
        }
    }

    /// Says that its owner is about to sleep. Whoever arms must look once more for what it waits for.
    pub(crate) fn arm(&self) {
        self.word.store(ARMED, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Says that its owner is awake.
    pub(crate) fn disarm(&self) {
        self.word.store(QUIET, Ordering::SeqCst);
    }

    /// Whether the owner sleeps or is about to.
    pub(crate) fn is_armed(&self) -> bool {
        self.word.load(Ordering::Relaxed) == ARMED
    }

    /// Whether the owner has to be woken. Comes after [`published`], and says yes once for each arming.
    pub(crate) fn take(&self) -> bool {
        // The load first: a swap would take the cache line from the other side for nothing.
        self.word.load(Ordering::SeqCst) == ARMED
            && self.word.swap(QUIET, Ordering::SeqCst) == ARMED
    }

    /// The word to sleep on, and the value that it has while its owner may sleep.
    pub(crate) fn word(&self) -> (&AtomicU32, u32) {
        (&self.word, ARMED)
    }
}

/// Stands between publishing and [`Bell::take`].
pub(crate) fn published() {
    fence(Ordering::SeqCst);
}
