//! The watcher thread, which serves children for futures and detached children.

pub(crate) mod inbox;
pub(crate) mod reply;
pub(crate) mod watcher;
