//! [`Gate`], at which jobs wait for the test.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::sync::{Arc, Condvar, Mutex};

/// A gate at which jobs wait until the test opens it.
#[derive(Clone)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn new() -> Self {
        Self(Arc::new((Mutex::new(false), Condvar::new())))
    }

    pub(crate) fn open(&self) {
        *self.0.0.lock().expect("no panic under the lock") = true;
        self.0.1.notify_all();
    }

    pub(crate) fn pass(&self) {
        let mut open = self.0.0.lock().expect("no panic under the lock");
        while !*open {
            open = self.0.1.wait(open).expect("no panic under the lock");
        }
    }
}
