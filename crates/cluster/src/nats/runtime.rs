//! The thread of an engine: a runtime with one thread, so that a cluster costs no more than one.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::Builder;

/// How long the tasks of a connection may take to end.
const GRACE: Duration = Duration::from_millis(500);

/// Runs `work` on a thread of its own, with a runtime.
///
/// `work` is a task: each wake-up of the future that the thread itself blocks on is a system call,
/// even from the same thread, and messages wake it often.
pub(super) fn start(
    name: &str,
    work: impl Future<Output = ()> + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        // It fails if the task panicked. Then its channels are closed, which the others notice.
        let _ = runtime.block_on(runtime.spawn(work));
        runtime.shutdown_timeout(GRACE);
    })
}
