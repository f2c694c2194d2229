//! The exit of a worker's thread, reported after the destructors of its thread-locals, which belong
//! to the jobs and may take long.
//!
//! A shutdown with a timeout waits for this report, until its deadline, and only then joins. If it
//! waited only for the worker's main function, the join could block for as long as such a
//! destructor runs.

use std::cell::Cell;
use std::sync::Arc;

use crate::panic::drop_quietly;
use crate::shared::Shared;
use crate::sync::thread::{self, ThreadId};
use crate::sync::thread_local;

thread_local! {
    static EXIT: Cell<Option<Exit>> = const { Cell::new(None) };
}

/// Keeps the thread's ID, since it may be unavailable when this is dropped.
struct Exit(Option<Arc<Shared>>, ThreadId);

/// Must be called first on a worker's thread. Where the platform defines an order, the destructors
/// of thread-locals run in reverse order of first use, so this one runs last.
pub(crate) fn report_exit_of_this_thread(shared: Arc<Shared>) {
    let exit = Exit(Some(shared), thread::current().id());
    EXIT.with(|cell| cell.set(Some(exit)));
}

impl Drop for Exit {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take() {
            shared.workers.exited(self.1);
            // This may be the last reference, which drops user values. A panic here would abort.
            drop_quietly(shared);
        }
    }
}
