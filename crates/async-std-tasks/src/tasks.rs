//! The settings of a map.

use std::num::NonZeroUsize;

/// How a map or a stream runs its tasks. `Tasks::new()` starts all of them at once.
///
/// ```
/// use std::num::NonZeroUsize;
/// use effective_async_std_tasks::Tasks;
///
/// const AT_ONCE: NonZeroUsize = NonZeroUsize::new(100).unwrap();
///
/// # #[async_std::main]
/// # async fn main() {
/// let doubled = Tasks::new().limit(AT_ONCE).map(0..1_000, async |n| n * 2).await;
/// assert_eq!(*doubled[999].as_ref().unwrap(), 1_998);
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "settings do nothing until `map`, `map_local` or `as_completed` is called on them"]
pub struct Tasks {
    limit: Option<NonZeroUsize>,
}

impl Tasks {
    /// No limit.
    pub const fn new() -> Self {
        Self { limit: None }
    }

    /// At most `limit` tasks exist at once; the next input is taken only when one of them has ended.
    pub const fn limit(mut self, limit: NonZeroUsize) -> Self {
        self.limit = Some(limit);
        self
    }

    pub(crate) fn is_limited(self) -> bool {
        self.limit.is_some()
    }

    pub(crate) fn at_once(self) -> usize {
        self.limit.map_or(usize::MAX, NonZeroUsize::get)
    }
}
