//! Prices within one thread: a call, an atomic addition, an uncontended lock.

use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::priced::{Priced, task};
use crate::reading::{self, Reading};

/// A call of the task, which is what `sequential` does.
pub(crate) struct Call;

impl Priced for Call {
    fn batch(&mut self, tasks: usize, iterations: u64) -> Result<Reading, String> {
        Ok(reading::of(|| {
            for _ in 0..tasks {
                black_box(task(iterations));
            }
        }))
    }

    fn alone(&mut self, pause: Duration) -> Result<Reading, String> {
        thread::sleep(pause);
        Ok(reading::of(|| task(0)))
    }
}

/// An addition to an atomic that no other thread touches.
#[derive(Default)]
pub(crate) struct Atomic(AtomicU64);

impl Priced for Atomic {
    fn batch(&mut self, tasks: usize, _: u64) -> Result<Reading, String> {
        Ok(reading::of(|| {
            for _ in 0..tasks {
                self.0.fetch_add(black_box(1), Ordering::Relaxed);
            }
        }))
    }

    fn alone(&mut self, pause: Duration) -> Result<Reading, String> {
        thread::sleep(pause);
        Ok(reading::of(|| self.0.fetch_add(1, Ordering::Relaxed)))
    }

    fn takes_work(&self) -> bool {
        false
    }
}

/// A lock that no other thread takes.
#[derive(Default)]
pub(crate) struct Lock(Mutex<u64>);

impl Lock {
    fn add(&self) {
        // No holder of the lock panics, so it is never poisoned.
        if let Ok(mut sum) = self.0.lock() {
            *sum = sum.wrapping_add(black_box(1));
        }
    }
}

impl Priced for Lock {
    fn batch(&mut self, tasks: usize, _: u64) -> Result<Reading, String> {
        Ok(reading::of(|| {
            for _ in 0..tasks {
                self.add();
            }
        }))
    }

    fn alone(&mut self, pause: Duration) -> Result<Reading, String> {
        thread::sleep(pause);
        Ok(reading::of(|| self.add()))
    }

    fn takes_work(&self) -> bool {
        false
    }
}
