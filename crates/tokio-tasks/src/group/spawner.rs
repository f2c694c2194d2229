//! `Spawner`, a handle by which tasks add tasks to their own group.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::members::Members;
use crate::error::GroupEnded;
use crate::runtime::Runtime;

/// Adds tasks to a [`TaskGroup`](crate::TaskGroup), from its own tasks or from elsewhere, also
/// while the group is joined.
///
/// It is a cheap handle, made by [`TaskGroup::spawner`](crate::TaskGroup::spawner), and does not
/// keep the group alive: a group ends when all its tasks have ended.
///
/// ```
/// use std::future::Future;
/// use std::pin::Pin;
#[doc = example!(Spawner, TaskGroup)]
/// /// A page of a site, which links to two others while they exist.
/// fn crawl(
///     page: u32,
///     spawner: Spawner<u32, String>,
/// ) -> Pin<Box<dyn Future<Output = Result<u32, String>> + Send>> {
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
pub struct Spawner<T, E>(Arc<Members<Result<T, E>>>);

impl<T: Send + 'static, E: Send + 'static> Spawner<T, E> {
    pub(super) fn new(members: &Arc<Members<Result<T, E>>>) -> Self {
        Self(Arc::clone(members))
    }

    /// Spawns a task of the group. Its index is the number of tasks spawned before it, by the group
    /// or by any spawner.
    ///
    /// # Errors
    /// [`GroupEnded`] if all tasks of a joined group have ended, if one has failed and the others
    /// are being cancelled, or if the group was cancelled or dropped. The future is dropped.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Result<(), GroupEnded>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let runtime = Runtime::current("Spawner::spawn");
        match self.0.spawn(&runtime, future) {
            true => Ok(()),
            false => Err(GroupEnded),
        }
    }
}

impl<T, E> Clone for Spawner<T, E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T, E> fmt::Debug for Spawner<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawner").finish_non_exhaustive()
    }
}
