use std::sync::atomic::{AtomicUsize, Ordering};

/// The threads of this crate that are alive, over all calls of the process.
static LIVE: AtomicUsize = AtomicUsize::new(0);

/// The right to have one thread alive, given back when dropped.
///
/// The count is the process's and not the call's: two calls that each keep to the ceiling would break it together.
pub(crate) struct Permit(&'static AtomicUsize);

impl Permit {
    /// `None` when `most` threads are alive already.
    pub(crate) fn take(most: usize) -> Option<Self> {
        Self::take_from(&LIVE, most)
    }

    fn take_from(live: &'static AtomicUsize, most: usize) -> Option<Self> {
        // Relaxed: the number guards no other data.
        live.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| {
            (n < most).then_some(n + 1)
        })
        .ok()?;
        Some(Self(live))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_permits_than_the_most_and_a_dropped_one_is_free_again() {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let first = Permit::take_from(&COUNT, 2);
        let second = Permit::take_from(&COUNT, 2);
        assert!(first.is_some() && second.is_some());
        assert!(Permit::take_from(&COUNT, 2).is_none());
        drop(first);
        assert!(Permit::take_from(&COUNT, 2).is_some());
    }
}
