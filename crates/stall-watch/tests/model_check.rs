//! The protocols of this crate under loom, which runs every interleaving up to a number of
//! preemptions.
//!
//! `RUSTFLAGS="--cfg model_check" cargo test --release -p effective-stall-watch --test
//! model_check`, with a `CARGO_TARGET_DIR` of its own. The library is then built on loom's
//! primitives (`src/sync.rs`), so the code that ships is what is checked. The watchdog's dozing is
//! not checked: it depends on time, see `Watchdog::nap`.
#![cfg(model_check)]

use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;

use effective_stall_watch::model::{Mailbox, Slot};
use loom::sync::Arc;
use loom::thread::{self, JoinHandle};

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// Runs `work` with `shared` on another thread.
fn spawn<S: 'static>(shared: &Arc<S>, work: impl FnOnce(&S) + 'static) -> JoinHandle<()> {
    let shared = Arc::clone(shared);
    thread::spawn(move || work(&shared))
}

/// Poll 1 is of site 10 since 100, poll 3 of site 30 since 300, and so on, so that a mixture of two
/// polls is detected.
fn polls(slot: &Slot, count: u64) {
    for poll in 0..count {
        let seq = 2 * poll + 1;
        slot.begin(10 * seq, 100 * seq);
        slot.nest(1_000 * seq);
        // Every poll is a long one.
        slot.end(100 * seq + seq, 1);
    }
}

#[test]
fn current_poll_is_consistent() {
    check(|| {
        let slot = Arc::new(Slot::new());
        let writer = spawn(&slot, |slot| polls(slot, 2));
        for _ in 0..2 {
            if let Some(poll) = slot.current() {
                assert_eq!((poll.site, poll.since), (10 * poll.seq, 100 * poll.seq));
                assert!(poll.inner == 0 || poll.inner == 1_000 * poll.seq);
            }
        }
        writer.join().unwrap();
        assert_eq!(slot.current(), None);
        assert_eq!(slot.seq(), 4);
    });
}

#[test]
fn duration_belongs_to_its_poll_or_is_unknown() {
    check(|| {
        let slot = Arc::new(Slot::new());
        let writer = spawn(&slot, |slot| polls(slot, 2));
        for seq in [1, 3] {
            if let Some(took) = slot.long_poll(seq) {
                assert_eq!(took, seq);
            }
        }
        writer.join().unwrap();
        assert_eq!((slot.long_poll(1), slot.long_poll(3)), (None, Some(3)));
    });
}

#[test]
fn running_poll_is_always_seen() {
    check(|| {
        let slot = Arc::new(Slot::new());
        let (begun, wait) = loom::sync::mpsc::channel();
        let writer = spawn(&slot, move |slot| {
            polls(slot, 1);
            slot.begin(30, 300);
            begun.send(()).unwrap();
        });
        wait.recv().unwrap();
        let poll = slot.current().expect("it is running");
        assert_eq!((poll.seq, poll.site, poll.since), (3, 30, 300));
        writer.join().unwrap();
    });
}

/// Answers as the handler does, with words that identify the thread.
fn answer(mailbox: &Mailbox, thread: u32) {
    mailbox.answer(thread, |words| {
        for (number, word) in (10 * u64::from(thread)..).zip(words) {
            word.store(number, Ordering::Relaxed);
        }
        words.len()
    });
}

/// Enters the handler and jumps out of it midway.
fn abandon(mailbox: &Mailbox, thread: u32) {
    let jump = AssertUnwindSafe(|| {
        mailbox.answer(thread, |words| {
            words[0].store(1, Ordering::Relaxed);
            std::panic::resume_unwind(Box::new("out of the handler"))
        });
    });
    // Not called if the question was withdrawn.
    let _ = std::panic::catch_unwind(jump);
}

/// Answers as `thread`, which has been asked, and checks the words.
fn answer_and_fetch(mailbox: &Arc<Mailbox>, thread: u32) {
    let answering = spawn(mailbox, move |mailbox| answer(mailbox, thread));
    answering.join().unwrap();
    let first = 10 * u64::from(thread);
    let words = mailbox.fetch().expect("it was asked and has answered");
    assert_eq!(words, [first, first + 1]);
}

#[test]
fn answer_is_complete_and_from_the_asked_thread() {
    check(|| {
        let mailbox = Arc::new(Mailbox::new(2));
        assert!(mailbox.ask(7));
        let threads = [7, 8].map(|number| spawn(&mailbox, move |mailbox| answer(mailbox, number)));
        if let Some(words) = mailbox.fetch() {
            assert_eq!(words, [70, 71]);
        }
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn late_answer_is_not_taken_for_another_threads() {
    check(|| {
        let mailbox = Arc::new(Mailbox::new(2));
        assert!(mailbox.ask(7));
        let late = spawn(&mailbox, |mailbox| answer(mailbox, 7));
        // The timeout expires at any moment.
        mailbox.withdraw(7);
        let first = mailbox.fetch();
        assert!(first.is_none_or(|words| words == [70, 71]));
        if mailbox.ask(8) {
            answer_and_fetch(&mailbox, 8);
        }
        late.join().unwrap();
    });
}

#[test]
fn late_answer_is_replaced_when_thread_is_asked_again() {
    check(|| {
        let mailbox = Arc::new(Mailbox::new(2));
        assert!(mailbox.ask(7));
        // Two signals, the first of which may come too late.
        let thread = spawn(&mailbox, |mailbox| {
            answer(mailbox, 7);
            answer(mailbox, 7);
        });
        mailbox.withdraw(7);
        let asked = mailbox.ask(7);
        if let Some(words) = mailbox.fetch() {
            assert_eq!(words, [70, 71]);
        }
        thread.join().unwrap();
        if let Some(words) = mailbox.fetch() {
            assert_eq!(words, [70, 71]);
        }
        assert!(!asked || mailbox.answering().is_none());
    });
}

#[test]
fn abandoned_answer_frees_mailbox_in_next_handler() {
    check(|| {
        let mailbox = Arc::new(Mailbox::new(2));
        assert!(mailbox.ask(7));
        let thread = spawn(&mailbox, |mailbox| {
            abandon(mailbox, 7);
            // The next signal, whichever thread is asked by then.
            answer(mailbox, 7);
        });
        mailbox.withdraw(7);
        if mailbox.ask(8) {
            answer_and_fetch(&mailbox, 8);
        }
        thread.join().unwrap();
        assert_eq!(mailbox.answering(), None);
        assert!(mailbox.ask(9));
    });
}

#[test]
fn abandoned_answer_is_forgotten_with_its_thread() {
    check(|| {
        let mailbox = Arc::new(Mailbox::new(2));
        assert!(mailbox.ask(7));
        let abandons = spawn(&mailbox, |mailbox| abandon(mailbox, 7));
        abandons.join().unwrap();
        assert!(!mailbox.ask(8));
        assert_eq!((mailbox.answering(), mailbox.fetch()), (Some(7), None));
        mailbox.forget(7);
        assert!(mailbox.ask(8));
        answer_and_fetch(&mailbox, 8);
    });
}
