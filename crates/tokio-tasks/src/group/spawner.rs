//! A handle by which tasks add tasks to their own group.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::members::Members;
use crate::runtime::Runtime;

/// Adds tasks to a [`TaskGroup`](crate::TaskGroup): from its own tasks, or from anywhere, also while it is joined.
///
/// A cheap handle, made by [`TaskGroup::spawner`](crate::TaskGroup::spawner). It does not keep the group: a group ends when
/// all of its tasks have.
///
/// ```
/// use std::future::Future;
/// use std::pin::Pin;
/// use effective_tokio_tasks::{Spawner, TaskGroup};
///
/// /// A page of a site, which links to two others as long as these exist.
/// fn crawl(page: u32, spawner: Spawner<u32, String>) -> Pin<Box<dyn Future<Output = Result<u32, String>> + Send>> {
///     Box::pin(async move {
///         for link in [2 * page, 2 * page + 1] {
///             if link < 128 {
///                 // After a failure nobody wants more pages.
///                 let _ = spawner.spawn(crawl(link, spawner.clone()));
///             }
///         }
///         Ok(page)
///     })
/// }
///
/// # #[tokio::main]
/// # async fn main() {
/// let mut group = TaskGroup::new();
/// let spawner = group.spawner();
/// group.spawn(crawl(1, spawner));
/// let pages = group.join_all().await.unwrap();
/// assert_eq!(pages.len(), 127);
/// # }
/// ```
pub struct Spawner<T, E>(Arc<Members<Result<T, E>>>);

impl<T: Send + 'static, E: Send + 'static> Spawner<T, E> {
    pub(super) fn new(members: &Arc<Members<Result<T, E>>>) -> Self {
        Self(Arc::clone(members))
    }

    /// Starts a task of the group. Tasks are numbered in the order in which they are spawned, by whomever.
    ///
    /// # Errors
    /// [`GroupEnded`] when all tasks of a group that is joined have ended, when one has failed and the others are being
    /// cancelled, and when the group was cancelled or dropped. The future is dropped.
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

/// A task was not added to its group, since the group had ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupEnded;

impl fmt::Display for GroupEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the group has ended, by a failure, a cancellation or since all of its tasks had ended: spawn into it only \
             from its own tasks or before it is joined",
        )
    }
}

impl Error for GroupEnded {}
