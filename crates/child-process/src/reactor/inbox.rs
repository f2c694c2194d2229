//! The inbox of the watcher thread. One lock decides both what is in it and whether the thread may
//! end, so nothing is handed to a thread that has just left.
#![cfg_attr(
    not(model_check),
    allow(unreachable_pub, reason = "public for the model check")
)]

/// Items for the watcher thread, and whether that thread is running.
#[derive(Debug)]
pub struct Inbox<T> {
    items: Vec<T>,
    has_watcher: bool,
}

/// The duty of the thread that pushed an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// Wake the watcher thread.
    WakeWatcher,
    /// Start a watcher thread, because none is running.
    StartWatcher,
}

impl<T> Inbox<T> {
    /// An empty inbox without a watcher.
    #[allow(clippy::new_without_default, reason = "`const` is what it is made for")]
    pub const fn new() -> Self {
        Self {
            items: Vec::new(),
            has_watcher: false,
        }
    }

    /// Adds an item.
    pub fn push(&mut self, item: T) -> Pushed {
        self.items.push(item);
        if std::mem::replace(&mut self.has_watcher, true) {
            Pushed::WakeWatcher
        } else {
            Pushed::StartWatcher
        }
    }

    /// Takes all items; for the watcher.
    pub fn take(&mut self) -> Vec<T> {
        std::mem::take(&mut self.items)
    }

    /// Asks for permission to end; for the watcher, which must end if this returns true.
    pub fn try_leave(&mut self) -> bool {
        if self.items.is_empty() {
            self.has_watcher = false;
        }
        !self.has_watcher
    }

    /// Takes all items back because the watcher could not be started.
    pub fn take_back(&mut self) -> Vec<T> {
        self.has_watcher = false;
        self.take()
    }
}
