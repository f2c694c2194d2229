//! Orphans, where the program has asked to be their parent.
//!
//! A process whose parent has ended goes to the nearest ancestor that is a subreaper, which a
//! program may declare itself to be; else to the first process of the system. Here orphans are
//! recognised by a mark in their environment, which all descendants of a child inherit unless one
//! of them wipes it.

mod left;
mod mark;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use left::reap_left;
use rustix::process::{child_subreaper, getpid, set_child_subreaper};

pub(super) use left::{leave, remember_group};
pub(crate) use mark::{Mark, VARIABLE};
pub(super) use mark::{Marked, mark_of, running_leaders};

static ADOPTING: AtomicBool = AtomicBool::new(false);

/// Makes this program the parent of all its orphaned descendants (a *subreaper*), so that ending a
/// tree also ends processes that were orphaned on purpose: those that left their group, and whose
/// parent ended before this crate looked.
///
/// This is for programs, called once at the beginning of `main`, and never for a library: it holds
/// for the whole program. From then on each child that this crate starts bears a mark in its
/// environment, `CHILD_PROCESS_TREE`. Orphans that are left to run, such as daemons, are children
/// of this program from now on; this crate reaps them, at the latest when it starts the next child.
/// It also reaps their descendants, except for a process that moved to a session of its own and
/// ended before the next child of this crate did, since a zombie has no environment that could
/// identify it. Descendants of children that were started by other means bear no mark, and are not
/// reaped. All this costs one reading of `/proc` at the end of each child.
///
/// # Errors
/// If the system does not support subreapers.
///
/// ```
/// effective_child_process::adopt_orphans()?;
/// # std::io::Result::Ok(())
/// ```
pub fn adopt_orphans() -> io::Result<()> {
    set_child_subreaper(Some(getpid()))?;
    ADOPTING.store(true, Ordering::SeqCst);
    Ok(())
}

/// Whether orphaned descendants become children of this program, which must reap them then: it
/// adopts them, it is the first process of its PID namespace, or it made itself a subreaper.
pub(super) fn inherits_orphans() -> bool {
    ADOPTING.load(Ordering::SeqCst)
        || getpid().is_init()
        || child_subreaper().is_ok_and(|set| set.is_some())
}

/// A mark for one more child, if orphans are adopted at all.
pub(crate) fn mark_for_a_child() -> Option<Mark> {
    reap_left();
    ADOPTING.load(Ordering::SeqCst).then(Mark::new)
}
