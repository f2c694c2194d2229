//! `Tasks`, the settings of a map.
//!
//! Several crates link this file.

use std::num::NonZeroUsize;

/// How the tasks of a map or a stream run. `Tasks::new()` runs all of them at once.
///
/// ```
/// use std::num::NonZeroUsize;
#[doc = example!(Tasks)]
/// const LIMIT: NonZeroUsize = NonZeroUsize::new(100).unwrap();
/// let doubled = Tasks::new().limit(LIMIT).map(0..1_000, async |n| n * 2).await;
/// assert_eq!(*doubled[999].as_ref().unwrap(), 1_998);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "settings do nothing until `map` or `as_completed` is called on them"]
pub struct Tasks {
    limit: Option<NonZeroUsize>,
}

impl Tasks {
    /// No limit.
    pub const fn new() -> Self {
        Self { limit: None }
    }

    /// At most `limit` tasks exist at once. The next input is taken when one of them has ended.
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    #[doc = example!(Tasks)]
    /// // One task after another.
    /// let doubled = Tasks::new().limit(NonZeroUsize::MIN).map(0..3, async |n| n * 2).await;
    /// assert_eq!(*doubled[2].as_ref().unwrap(), 4);
    /// # Ok(())
    /// # }
    /// ```
    pub const fn limit(mut self, limit: NonZeroUsize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The largest number of tasks that may exist at once.
    pub(crate) fn max_in_flight(self) -> usize {
        self.limit.map_or(usize::MAX, NonZeroUsize::get)
    }
}
