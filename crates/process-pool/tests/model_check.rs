//! Models of the ring and the bells under loom: `RUSTFLAGS="--cfg model_check" cargo test --release
//! -p effective-process-pool --test model_check`, in a target folder of its own.
#![cfg(model_check)]

use std::time::Duration;

use effective_process_pool::protocol::bell::{Bell, published};
use effective_process_pool::protocol::bytes;
use effective_process_pool::protocol::slot::{Claim, Collect, Slot};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use loom::thread;

/// One worker with a ring of two slots.
struct Ring {
    slots: [Slot; 2],
    inputs: [AtomicU64; 2],
    outputs: [AtomicU64; 2],
    work: Bell,
    done: Bell,
    closing: AtomicUsize,
    runs: AtomicUsize,
}

impl Ring {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            slots: [Slot::new(), Slot::new()],
            inputs: [AtomicU64::new(0), AtomicU64::new(0)],
            outputs: [AtomicU64::new(0), AtomicU64::new(0)],
            work: Bell::new(),
            done: Bell::new(),
            closing: AtomicUsize::new(0),
            runs: AtomicUsize::new(0),
        })
    }

    fn push(&self, batch: u64, input: u64) {
        bytes::write(&self.inputs, batch, &input.to_ne_bytes());
        self.slots[batch as usize % 2].publish();
        self.ring();
    }

    fn ring(&self) {
        published();
        if self.work.take() {
            self.work.wake();
        }
    }

    /// The loop of `worker/worker_loop.rs`.
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
                    self.wake_waiter();
                    next += 1;
                }
                Claim::Passed => {
                    self.wake_waiter();
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
                        self.work.sleep(None);
                    }
                }
            }
        }
    }

    fn wake_waiter(&self) {
        published();
        if self.done.take() {
            self.done.wake();
        }
    }

    /// The wait of `parent/waiting.rs`. Returns the result, or `None` for a withdrawn batch.
    fn wait(&self, batch: u64) -> Option<u64> {
        let slot = &self.slots[batch as usize % 2];
        loop {
            match slot.collect() {
                Collect::Done => {
                    assert_eq!(slot.results(), (1, 1));
                    let output = bytes::read_word(&self.outputs, batch);
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
                        _ => self.done.sleep(None),
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

fn worker(ring: &Arc<Ring>) -> thread::JoinHandle<()> {
    let ring = Arc::clone(ring);
    thread::spawn(move || ring.serve())
}

/// No wake-up is lost on either side, or loom would find a deadlock; and each side reads what the
/// other has written.
#[test]
fn every_batch_returns_although_both_sides_sleep() {
    check(|| {
        let ring = Ring::new();
        let worker = worker(&ring);
        ring.push(0, 10);
        assert_eq!(ring.wait(0), Some(11));
        ring.push(1, 20);
        assert_eq!(ring.wait(1), Some(21));
        ring.close();
        worker.join().unwrap();
    });
}

/// Two batches in flight, and a slot that is used again.
#[test]
fn slots_are_reused_in_order() {
    check(|| {
        let ring = Ring::new();
        let worker = worker(&ring);
        ring.push(0, 10);
        ring.push(1, 20);
        assert_eq!(ring.wait(0), Some(11));
        ring.push(2, 30);
        assert_eq!(ring.wait(1), Some(21));
        assert_eq!(ring.wait(2), Some(31));
        ring.close();
        worker.join().unwrap();
        assert_eq!(ring.runs.load(Ordering::Relaxed), 3);
    });
}

/// A batch is either run or withdrawn.
#[test]
fn batch_runs_or_is_withdrawn_never_both() {
    check(|| {
        let ring = Ring::new();
        let worker = worker(&ring);
        ring.push(0, 10);
        ring.push(1, 20);
        let withdrawn = ring.slots[1].withdraw();
        assert_eq!(ring.wait(0), Some(11));
        assert_eq!(ring.wait(1).is_none(), withdrawn);
        ring.close();
        worker.join().unwrap();
        assert_eq!(
            ring.runs.load(Ordering::Relaxed),
            2 - usize::from(withdrawn)
        );
    });
}

/// A worker ends when its ring is closed, but runs the batches in it first.
#[test]
fn close_is_noticed_and_loses_no_batch() {
    check(|| {
        let ring = Ring::new();
        let worker = worker(&ring);
        ring.push(0, 10);
        ring.close();
        worker.join().unwrap();
        assert_eq!(ring.wait(0), Some(11));
    });
}

/// A worker is ended for the input past its time limit and for no other: either the worker sees
/// `stop`, or the parent sees that it has gone on. No input is judged by the stamp of an earlier
/// one.
#[test]
fn stop_hits_intended_input_or_none() {
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
                let has_gone_on = slot.begin(2, stop);
                if has_gone_on {
                    slot.stamp(200);
                    slot.progress(2, 2);
                }
                slot.finish();
                has_gone_on
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
        let has_gone_on = worker.join().unwrap();
        if stopped && attempt.input == 1 {
            assert!(!has_gone_on, "it went on to another input");
        }
    });
}

/// A failed withdrawal of a slot shows that the batch in the slot before it is finished.
#[test]
fn failed_withdrawal_shows_previous_batch_finished() {
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
