//! When a worker has really ended: after the destructors of its thread-locals, which are the jobs' and may take long.
//!
//! A shutdown with a timeout waits for this, with its deadline, and only then joins. If it waited for the worker's main
//! function alone, the join could block for as long as such a destructor does.

use std::cell::Cell;
use std::sync::Arc;

use crate::panic::drop_contained;
use crate::shared::Shared;
use crate::sync::thread::{self, ThreadId};
use crate::sync::thread_local;

thread_local! {
    static END: Cell<Option<End>> = const { Cell::new(None) };
}

/// The thread's identity is kept: it may not be asked for any more when this is dropped.
struct End(Option<Arc<Shared>>, ThreadId);

/// To be called first on a worker's thread. The destructors of thread-locals run in the opposite order of their first
/// use, where the platform has an order; so this one runs last.
pub(crate) fn tell_when_this_thread_ends(shared: Arc<Shared>) {
    let end = End(Some(shared), thread::current().id());
    END.with(|cell| cell.set(Some(end)));
}

impl Drop for End {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take() {
            shared.crew.ended(self.1);
            // Perhaps the last reference. What the pool holds of the user's must not panic here: it would abort.
            drop_contained(shared);
        }
    }
}
