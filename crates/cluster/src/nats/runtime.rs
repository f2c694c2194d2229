//! The thread of an engine: a runtime with one thread, so that a cluster costs no more than one.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// How long the tasks of a connection may take to end.
const GRACE: Duration = Duration::from_millis(500);

/// Runs `work` on a thread of its own, with a runtime.
pub(super) fn start(
    name: &str,
    work: impl FnOnce(&Runtime) + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        work(&runtime);
        runtime.shutdown_timeout(GRACE);
    })
}
