//! The primitives of loom, with the interface of `native.rs`.

pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard, atomic};

use std::time::{Duration, Instant};

/// Loom's macro has no `const` form.
macro_rules! loom_local {
    (static $name:ident: $type:ty = const $init:block;) => {
        loom::thread_local! { static $name: $type = $init; }
    };
}
pub(crate) use loom_local as thread_local;

pub(crate) mod thread {
    pub(crate) use loom::thread::{JoinHandle, Thread, ThreadId, current, park, yield_now};

    use std::io;

    /// The threads of a pool with this prefix are refused, but for the first.
    pub(crate) const REFUSED: &str = "refused";

    pub(crate) struct Builder {
        name: String,
    }

    impl Builder {
        pub(crate) fn new() -> Self {
            Self {
                name: String::new(),
            }
        }

        pub(crate) fn name(self, name: String) -> Self {
            Self { name }
        }

        pub(crate) fn stack_size(self, _: usize) -> Self {
            self
        }

        pub(crate) fn spawn<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
        where
            F: FnOnce() -> T + Send + 'static,
            T: Send + 'static,
        {
            if self.name.starts_with(REFUSED) && !self.name.ends_with("-0") {
                return Err(io::Error::other("refused"));
            }
            // Loom's default is too little for a job that unwinds.
            loom::thread::Builder::new()
                .name(self.name)
                .stack_size(1 << 15)
                .spawn(f)
        }
    }
}

/// No time passes here.
pub(crate) fn has_passed(_: Instant, _: Duration) -> bool {
    false
}

/// No time passes: a future deadline would never pass, so no model has one.
pub(crate) fn park_until(deadline: Option<Instant>) {
    assert!(deadline.is_none());
    thread::park();
}

/// Does not spin: another interleaving shows what a longer spin would have seen.
pub(crate) fn spin_until(_: Duration, _: impl Fn(), condition: impl Fn() -> bool) -> bool {
    condition()
}

pub(crate) struct UnsafeCell<T>(loom::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::cell::UnsafeCell::new(value))
    }

    pub(crate) fn with<U>(&self, f: impl FnOnce(*const T) -> U) -> U {
        self.0.with(f)
    }

    pub(crate) fn with_mut<U>(&self, f: impl FnOnce(*mut T) -> U) -> U {
        self.0.with_mut(f)
    }
}
