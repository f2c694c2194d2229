//! Adoption of orphans, for a program that has made itself a subreaper.
//!
//! The kernel re-parents an orphan to the nearest ancestor that is a subreaper, otherwise to the
//! first process of the PID namespace. This module recognises orphans by a mark in their
//! environment, which all descendants of a child inherit unless one of them clears it.

pub(in crate::tree) mod background;
pub(crate) mod mark;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{child_subreaper, getpid, set_child_subreaper};

use crate::tree::adoption::background::reap_background;
use crate::tree::adoption::mark::Mark;

static ADOPTING: AtomicBool = AtomicBool::new(false);

/// Makes this program a *subreaper*, the new parent of all its orphaned descendants. Ending a tree
/// then also ends processes that were orphaned on purpose: those that left their group, and whose
/// parent ended before this crate scanned for them.
///
/// Only a program should call this, once at the beginning of `main`; a library must not, since it
/// affects the whole process. From then on every child that this crate starts has the environment
/// variable `CHILD_PROCESS_TREE`, which its descendants inherit.
///
/// Orphans that keep running, such as daemons, become children of this program. This crate reaps
/// them with their descendants, at the latest when it starts the next child. The exception is a
/// descendant that moved to a session of its own and ended before the next child of this crate
/// ended: a zombie has no environment that identifies it. Descendants of children that were started
/// by other means are not marked and not reaped. The cost is one scan of `/proc` at the end of each
/// child.
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

/// Whether orphaned descendants become children of this program, which must then reap them: it
/// adopts them, it is the first process of its PID namespace, or it made itself a subreaper by
/// other means.
pub(super) fn inherits_orphans() -> bool {
    ADOPTING.load(Ordering::SeqCst)
        || getpid().is_init()
        || child_subreaper().is_ok_and(|set| set.is_some())
}

/// A mark for a new child, if this program adopts orphans.
pub(crate) fn new_mark() -> Option<Mark> {
    reap_background();
    ADOPTING.load(Ordering::SeqCst).then(Mark::new)
}
