//! The jobs of these tests, and their registration.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use effective_process_pool::{Buffer, Program, job, register};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::support::checks::quiet_in_workers;

job! {
    pub(crate) fn double(number: u64) -> u64 { 2 * number }
    pub(crate) fn join(left: String, right: Vec<String>) -> String { left + &right.concat() }
    pub(crate) fn pid() -> u32 { std::process::id() }
    pub(crate) fn nap(milliseconds: u64) -> u64 {
        thread::sleep(Duration::from_millis(milliseconds));
        milliseconds
    }
    pub(crate) fn reverse(bytes: Vec<u8>) -> Vec<u8> { bytes.into_iter().rev().collect() }
    pub(crate) fn sum(buffer: Buffer, add: u8) -> (u64, Buffer) {
        let mut bytes = buffer.to_vec();
        let sum = bytes.iter().map(|&byte| u64::from(byte)).sum();
        bytes.iter_mut().for_each(|byte| *byte = byte.wrapping_add(add));
        let new = Buffer::new(bytes.len()).unwrap();
        new.write_at(0, &bytes).unwrap();
        (sum, new)
    }
    pub(crate) fn set_up(value: u32) { SET.with(|set| set.set(value)); }
    pub(crate) fn get() -> u32 { SET.with(Cell::get) }
    pub(crate) fn unregistered() {}
    pub(crate) fn linger(number: Counted) { thread::sleep(Duration::from_millis(number.0)); }
    pub(crate) fn count(number: Counted) -> u64 { number.0 }
    pub(crate) fn fails(text: String) -> Result<u32, String> {
        text.parse().map_err(|error| format!("{text}: {error}"))
    }
}

thread_local! {
    static SET: Cell<u32> = const { Cell::new(0) };
}

/// Registers the jobs: the first line of each test.
pub(crate) fn program() -> Program {
    quiet_in_workers();
    register![
        double, join, pid, nap, reverse, sum, set_up, get, fails, linger, count
    ]
}

/// A number that counts how often values of its type are encoded.
pub(crate) struct Counted(pub(crate) u64);

pub(crate) static ENCODED: AtomicU64 = AtomicU64::new(0);

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert_ne!(self.0, 7_777, "an input that panics, as the test wants");
        ENCODED.fetch_add(1, Ordering::Relaxed);
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Self)
    }
}
