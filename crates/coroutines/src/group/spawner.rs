//! `Spawner`, a handle by which tasks add tasks to their own group.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::members::Added;
use crate::error::GroupEnded;

/// A task that need not be `Send`.
pub(super) type LocalTask<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + 'a>>;

/// Adds tasks to a [`TaskGroup`](crate::TaskGroup), from its own tasks or from elsewhere on its
/// thread, also while the group is joined.
///
/// It is a cheap handle, made by [`TaskGroup::spawner`](crate::TaskGroup::spawner), and does not
/// keep the group alive: a group ends when all its tasks have ended.
///
/// ```
/// use std::future::Future;
/// use std::pin::Pin;
#[doc = example!(Spawner, TaskGroup)]
/// /// A page of a site, which links to two others while they exist.
/// fn crawl<'a>(
///     page: u32,
///     spawner: Spawner<'a, u32, String>,
/// ) -> Pin<Box<dyn Future<Output = Result<u32, String>> + 'a>> {
///     Box::pin(async move {
///         for link in [2 * page, 2 * page + 1] {
///             if link < 128 {
///                 // After a failure the group refuses more pages, which is fine.
///                 let _ = spawner.spawn(crawl(link, spawner.clone()));
///             }
///         }
///         Ok(page)
///     })
/// }
///
/// let mut group = TaskGroup::new();
/// let spawner = group.spawner();
/// group.spawn(crawl(1, spawner));
/// let pages = group.join_all().await.unwrap();
/// assert_eq!(pages.len(), 127);
/// # Ok(())
/// # }
/// ```
pub struct Spawner<'a, T, E>(pub(super) Arc<Added<LocalTask<'a, T, E>>>);

impl<'a, T, E> Spawner<'a, T, E> {
    /// Adds a task to the group. Its index is the number of tasks added before it, by the group or
    /// by any spawner.
    ///
    /// # Errors
    /// [`GroupEnded`] if all tasks of a joined group have ended, if one has failed, or if the group
    /// was cancelled or dropped. The future is dropped.
    pub fn spawn<F>(&self, future: F) -> Result<(), GroupEnded>
    where
        F: Future<Output = Result<T, E>> + 'a,
    {
        self.0.add(Box::pin(future)).map_err(|_| GroupEnded)
    }
}

impl<T, E> Clone for Spawner<'_, T, E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T, E> fmt::Debug for Spawner<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawner").finish_non_exhaustive()
    }
}
