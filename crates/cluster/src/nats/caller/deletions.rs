//! [`Deletions`]: tasks that delete objects.

use tokio::task::JoinSet;

/// Tasks that delete objects.
#[derive(Default)]
pub(super) struct Deletions(JoinSet<()>);

impl Deletions {
    pub(super) fn add(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        while self.0.try_join_next().is_some() {}
        self.0.spawn(task);
    }

    /// Waits until all objects are deleted.
    pub(super) async fn finish(&mut self) {
        while self.0.join_next().await.is_some() {}
    }
}
