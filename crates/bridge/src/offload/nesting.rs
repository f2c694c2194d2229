//! Which calls wait for which: what a call was made from, through coroutines as well.

use std::cell::RefCell;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A call of an offload that has called something in its turn.
struct Link {
    /// The address of the offload's shared part.
    offload: usize,
    has_ended: AtomicBool,
}

/// The calls that something is called from, the outermost first.
#[derive(Clone)]
pub(crate) struct Origin(Arc<Vec<Arc<Link>>>);

impl Origin {
    /// How many calls of this offload are among them that have not ended.
    pub(super) fn count(&self, offload: usize) -> usize {
        let links = self.0.iter();
        let of_offload = links.filter(|link| link.offload == offload);
        of_offload
            .filter(|link| !link.has_ended.load(Ordering::Relaxed))
            .count()
    }

    /// One level deeper. What has ended is left out, so that a call that hands in its successor
    /// does not make a chain that grows.
    fn extended(origin: Option<&Self>, offload: usize) -> Self {
        let links = origin.map_or(&[][..], |origin| &origin.0);
        let alive = links
            .iter()
            .filter(|link| !link.has_ended.load(Ordering::Relaxed));
        let own = Arc::new(Link {
            offload,
            has_ended: AtomicBool::new(false),
        });
        Self(Arc::new(alive.cloned().chain([own]).collect()))
    }
}

/// What the calling thread is at.
enum Scope {
    Nothing,
    /// A call of an offload.
    Call {
        offload: usize,
        origin: Option<Origin>,
        /// What is called from here has this origin. Made when it is needed.
        own: Option<Origin>,
    },
    /// A coroutine that was called through a portal.
    Coroutine(Option<Origin>),
}

thread_local! {
    static SCOPE: RefCell<Scope> = const { RefCell::new(Scope::Nothing) };
}

/// The origin of what is called now, and whether that is called by a thread of an offload itself.
pub(super) fn current() -> (Option<Origin>, bool) {
    let current = SCOPE.try_with(|scope| match &mut *scope.borrow_mut() {
        Scope::Nothing => (None, false),
        Scope::Coroutine(origin) => (origin.clone(), false),
        Scope::Call {
            offload,
            origin,
            own,
        } => {
            let own = own.get_or_insert_with(|| Origin::extended(origin.as_ref(), *offload));
            (Some(own.clone()), true)
        }
    });
    current.unwrap_or((None, false))
}

/// The origin of a coroutine that is called now.
pub(crate) fn origin() -> Option<Origin> {
    current().0
}

/// A call of an offload runs on this thread.
pub(super) fn begin_call(offload: usize, origin: Option<Origin>) {
    SCOPE.set(Scope::Call {
        offload,
        origin,
        own: None,
    });
}

/// It has ended.
pub(super) fn end_call() {
    if let Scope::Call { own: Some(own), .. } = SCOPE.replace(Scope::Nothing)
        && let Some(link) = own.0.last()
    {
        link.has_ended.store(true, Ordering::Relaxed);
    }
}

/// A coroutine is polled on this thread, as long as this lives.
pub(crate) struct InCoroutine(Scope);

impl InCoroutine {
    pub(crate) fn enter(origin: Option<Origin>) -> Self {
        Self(SCOPE.replace(Scope::Coroutine(origin)))
    }
}

impl Drop for InCoroutine {
    fn drop(&mut self) {
        SCOPE.set(mem::replace(&mut self.0, Scope::Nothing));
    }
}
