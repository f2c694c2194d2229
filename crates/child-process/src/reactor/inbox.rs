//! Who starts the watching thread, and when it may end: decided under one lock, so that nothing is given to a thread that
//! has just left.

/// What was given and not yet taken, and whether there is a thread to take it.
#[derive(Debug)]
pub(crate) struct Inbox<T> {
    given: Vec<T>,
    watched: bool,
}

/// What has to be done for something that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// There is a thread, to be woken.
    ToTheWatcher,
    /// There is none; who gave it starts one.
    StartAWatcher,
}

impl<T> Inbox<T> {
    pub(crate) const fn new() -> Self {
        Self {
            given: Vec::new(),
            watched: false,
        }
    }

    /// Something to watch.
    pub(crate) fn give(&mut self, something: T) -> Given {
        self.given.push(something);
        if std::mem::replace(&mut self.watched, true) {
            Given::ToTheWatcher
        } else {
            Given::StartAWatcher
        }
    }

    /// The thread takes what was given.
    pub(crate) fn take(&mut self) -> Vec<T> {
        std::mem::take(&mut self.given)
    }

    /// The thread wants to end: true if it may. Then it must.
    pub(crate) fn leave(&mut self) -> bool {
        if self.given.is_empty() {
            self.watched = false;
        }
        !self.watched
    }

    /// There was no thread to be had.
    pub(crate) fn take_back(&mut self) -> Vec<T> {
        self.watched = false;
        self.take()
    }
}
