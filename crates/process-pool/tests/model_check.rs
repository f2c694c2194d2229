//! The ring and the bells under loom, on the real files: `RUSTFLAGS="--cfg model_check" cargo test --release -p
//! process-pool --test model_check`.
#![cfg(model_check)]
#![allow(dead_code, reason = "the files have more than the models use")]

mod sync {
    pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
}

#[path = "../src/transport/bell.rs"]
mod bell;
#[path = "../src/transport/bytes.rs"]
mod bytes;
#[path = "../src/transport/slot.rs"]
mod slot;

use std::time::Duration;

use bell::{Bell, published};
use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use slot::{Claim, Collect, Slot};

/// The kernel's part of a futex: who sleeps does so only while the bell is armed, looked at under a lock, and whoever
/// wakes takes the same lock.
struct Futex {
    lock: Mutex<()>,
    wakes: Condvar,
}

impl Futex {
    fn new() -> Self {
        Self {
            lock: Mutex::new(()),
            wakes: Condvar::new(),
        }
    }

    fn sleep(&self, bell: &Bell) {
        let mut held = self.lock.lock().unwrap();
        let (word, armed) = bell.word();
        while word.load(Ordering::Relaxed) == armed {
            held = self.wakes.wait(held).unwrap();
        }
    }

    fn wake(&self) {
        drop(self.lock.lock().unwrap());
        self.wakes.notify_all();
    }
}

/// One worker with a ring of two places.
struct Lane {
    slots: [Slot; 2],
    inputs: [AtomicU64; 2],
    outputs: [AtomicU64; 2],
    work: Bell,
    done: Bell,
    work_futex: Futex,
    done_futex: Futex,
    closing: AtomicUsize,
    runs: AtomicUsize,
}

impl Lane {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            slots: [Slot::new(), Slot::new()],
            inputs: [AtomicU64::new(0), AtomicU64::new(0)],
            outputs: [AtomicU64::new(0), AtomicU64::new(0)],
            work: Bell::new(),
            done: Bell::new(),
            work_futex: Futex::new(),
            done_futex: Futex::new(),
            closing: AtomicUsize::new(0),
            runs: AtomicUsize::new(0),
        })
    }

    fn push(&self, unit: u64, input: u64) {
        bytes::write(&self.inputs, unit, &input.to_ne_bytes());
        self.slots[unit as usize % 2].publish();
        self.ring();
    }

    fn ring(&self) {
        published();
        if self.work.take() {
            self.work_futex.wake();
        }
    }

    /// As `worker/run.rs` does it.
    fn serve(&self) {
        let mut next = 0_u64;
        loop {
            let slot = &self.slots[next as usize % 2];
            match slot.claim() {
                Claim::Work => {
                    let input = bytes::read_word(&self.inputs, next);
                    self.runs.fetch_add(1, Ordering::Relaxed);
                    bytes::write_word(&self.outputs, next, input + 1);
                    slot.progress(1, 1);
                    slot.finish();
                    self.tell();
                    next += 1;
                }
                Claim::Passed => {
                    self.tell();
                    next += 1;
                }
                Claim::Nothing => {
                    self.work.arm();
                    if slot.is_waiting() {
                        self.work.disarm();
                    } else if self.closing.load(Ordering::Acquire) != 0 {
                        self.work.disarm();
                        if !slot.is_waiting() {
                            return;
                        }
                    } else {
                        self.work_futex.sleep(&self.work);
                    }
                }
            }
        }
    }

    fn tell(&self) {
        published();
        if self.done.take() {
            self.done_futex.wake();
        }
    }

    /// As `parent/waiting.rs` does it: the result, or `None` for what was withdrawn.
    fn wait(&self, unit: u64) -> Option<u64> {
        let slot = &self.slots[unit as usize % 2];
        loop {
            match slot.collect() {
                Collect::Done => {
                    assert_eq!(slot.results(), (1, 1));
                    let output = bytes::read_word(&self.outputs, unit);
                    slot.clear();
                    return Some(output);
                }
                Collect::Passed => {
                    slot.clear();
                    return None;
                }
                Collect::Nonsense => panic!("no such state"),
                Collect::Waiting | Collect::Running | Collect::Withdrawn => {
                    self.done.arm();
                    match slot.collect() {
                        Collect::Done | Collect::Passed => self.done.disarm(),
                        _ => self.done_futex.sleep(&self.done),
                    }
                }
            }
        }
    }

    fn close(&self) {
        self.closing.store(1, Ordering::Release);
        self.ring();
    }
}

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.max_duration = Some(Duration::from_secs(20));
    builder.check(model);
}

fn worker(lane: &Arc<Lane>) -> thread::JoinHandle<()> {
    let lane = Arc::clone(lane);
    thread::spawn(move || lane.serve())
}

/// No wake-up is lost on either side, and what was written is what is read; if it were lost, loom would find a deadlock.
#[test]
fn every_unit_comes_back_although_both_sides_sleep() {
    check(|| {
        let lane = Lane::new();
        let worker = worker(&lane);
        lane.push(0, 10);
        assert_eq!(lane.wait(0), Some(11));
        lane.push(1, 20);
        assert_eq!(lane.wait(1), Some(21));
        lane.close();
        worker.join().unwrap();
    });
}

/// Two under way at once, and a place of the ring that is used again.
#[test]
fn places_are_used_again_in_order() {
    check(|| {
        let lane = Lane::new();
        let worker = worker(&lane);
        lane.push(0, 10);
        lane.push(1, 20);
        assert_eq!(lane.wait(0), Some(11));
        lane.push(2, 30);
        assert_eq!(lane.wait(1), Some(21));
        assert_eq!(lane.wait(2), Some(31));
        lane.close();
        worker.join().unwrap();
        assert_eq!(lane.runs.load(Ordering::Relaxed), 3);
    });
}

/// Withdrawn and run exclude each other, whoever is first.
#[test]
fn a_unit_is_run_once_or_withdrawn_and_never_both() {
    check(|| {
        let lane = Lane::new();
        let worker = worker(&lane);
        lane.push(0, 10);
        lane.push(1, 20);
        let withdrawn = lane.slots[1].withdraw();
        assert_eq!(lane.wait(0), Some(11));
        assert_eq!(lane.wait(1).is_none(), withdrawn);
        lane.close();
        worker.join().unwrap();
        assert_eq!(
            lane.runs.load(Ordering::Relaxed),
            2 - usize::from(withdrawn)
        );
    });
}

/// A worker that has nothing to do ends, and one that is told to while it still has something does that first.
#[test]
fn closing_is_never_missed_and_loses_nothing() {
    check(|| {
        let lane = Lane::new();
        let worker = worker(&lane);
        lane.push(0, 10);
        lane.close();
        worker.join().unwrap();
        assert_eq!(lane.wait(0), Some(11));
    });
}

/// Who ends a worker for an input that has run for too long ends it for no other one: either the worker sees that it is to
/// stop, or the parent sees that it has gone on. And no input is judged by the stamp of the one before it.
#[test]
fn a_worker_is_stopped_at_the_input_that_was_meant_or_not_at_all() {
    use loom::sync::atomic::AtomicU32;
    check(|| {
        let shared = Arc::new((Slot::new(), AtomicU32::new(0)));
        shared.0.publish();
        assert_eq!(shared.0.claim(), Claim::Work);
        assert!(shared.0.begin(1, &shared.1));
        shared.0.stamp(100);
        let worker = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let (slot, stop) = &*shared;
                slot.progress(1, 1);
                let went_on = slot.begin(2, stop);
                if went_on {
                    slot.stamp(200);
                    slot.progress(2, 2);
                }
                slot.finish();
                went_on
            })
        };
        let (slot, stop) = &*shared;
        let attempt = slot.attempt();
        match attempt.input {
            1 => assert!([0, 100, 200].contains(&attempt.stamp)),
            2 => assert!(
                [0, 200].contains(&attempt.stamp),
                "the stamp of another input"
            ),
            other => panic!("input {other} of 2"),
        }
        let stopped = slot.stop_at(attempt.input, stop);
        let went_on = worker.join().unwrap();
        if stopped && attempt.input == 1 {
            assert!(!went_on, "it went on to what nobody meant");
        }
    });
}

/// Who cannot take back a place of the ring sees that the one before it is finished.
#[test]
fn what_has_been_begun_says_that_what_came_before_it_is_finished() {
    check(|| {
        let slots = Arc::new([Slot::new(), Slot::new()]);
        slots.iter().for_each(Slot::publish);
        let worker = {
            let slots = Arc::clone(&slots);
            thread::spawn(move || {
                assert_eq!(slots[0].claim(), Claim::Work);
                slots[0].finish();
                slots[1].claim()
            })
        };
        if slots[1].withdraw() {
            assert_eq!(worker.join().unwrap(), Claim::Passed);
        } else {
            assert_eq!(slots[0].collect(), Collect::Done);
            assert_eq!(worker.join().unwrap(), Claim::Work);
        }
    });
}
