//! The protocols of this crate under loom, which runs every interleaving up to a number of preemptions.
//!
//! `RUSTFLAGS="--cfg model_check" cargo test --release -p stall-watch --test model_check`, in a target folder of its own.
//! What is checked are the files that are shipped, with loom's primitives under them. The watchdog's dozing is not among
//! it: it rests on time, see `Watchdog::nap`.
#![cfg(model_check)]

use loom::sync::Arc;
use loom::thread;

#[allow(dead_code)]
#[path = "../src/backtrace/stack/mailbox.rs"]
mod mailbox;
#[allow(dead_code)]
#[path = "../src/slot.rs"]
mod slot;
mod sync {
    pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
}

use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;

use mailbox::Mailbox;
use slot::Slot;

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// Turn 1 is of site 10 since 100, turn 3 of site 30 since 300, and so on: what belongs together can be told.
fn polls(slot: &Slot, count: u64) {
    for poll in 0..count {
        let turn = 2 * poll + 1;
        slot.begin(10 * turn, 100 * turn);
        slot.nest(1_000 * turn);
        // All that are odd are long.
        slot.end(100 * turn + turn, 1);
    }
}

#[test]
fn what_is_seen_of_a_poll_belongs_to_one_poll() {
    check(|| {
        let slot = Arc::new(Slot::new());
        let writer = {
            let slot = Arc::clone(&slot);
            thread::spawn(move || polls(&slot, 2))
        };
        for _ in 0..2 {
            if let Some(look) = slot.look() {
                assert_eq!((look.site, look.since), (10 * look.turn, 100 * look.turn));
                assert!(look.inner == 0 || look.inner == 1_000 * look.turn);
            }
        }
        writer.join().unwrap();
        assert_eq!(slot.look(), None);
        assert_eq!(slot.turn(), 4);
    });
}

#[test]
fn how_long_a_poll_took_is_of_that_poll_or_not_known() {
    check(|| {
        let slot = Arc::new(Slot::new());
        let writer = {
            let slot = Arc::clone(&slot);
            thread::spawn(move || polls(&slot, 2))
        };
        for turn in [1, 3] {
            if let Some(took) = slot.ended(turn) {
                assert_eq!(took, turn);
            }
        }
        writer.join().unwrap();
        assert_eq!((slot.ended(1), slot.ended(3)), (None, Some(3)));
    });
}

#[test]
fn a_poll_that_goes_on_is_seen_by_every_look() {
    check(|| {
        let slot = Arc::new(Slot::new());
        let (begun, wait) = loom::sync::mpsc::channel();
        let writer = {
            let slot = Arc::clone(&slot);
            thread::spawn(move || {
                polls(&slot, 1);
                slot.begin(30, 300);
                begun.send(()).unwrap();
            })
        };
        wait.recv().unwrap();
        let look = slot.look().expect("it goes on");
        assert_eq!((look.turn, look.site, look.since), (3, 30, 300));
        writer.join().unwrap();
    });
}

/// Answers as the handler does: with words that tell the thread.
fn answer(mailbox: &Mailbox, thread: u32) {
    mailbox.answer(thread, |words| {
        for (number, word) in (10 * u64::from(thread)..).zip(words) {
            word.store(number, Ordering::Relaxed);
        }
        words.len()
    });
}

/// Enters the handler and jumps out of it half-way.
fn abandon(mailbox: &Mailbox, thread: u32) {
    let jump = AssertUnwindSafe(|| {
        mailbox.answer(thread, |words| {
            words[0].store(1, Ordering::Relaxed);
            std::panic::resume_unwind(Box::new("out of the handler"))
        });
    });
    // It is not asked if the question was withdrawn.
    let _ = std::panic::catch_unwind(jump);
}

fn spawn(mailbox: &Arc<Mailbox>, run: fn(&Mailbox, u32), number: u32) -> thread::JoinHandle<()> {
    let mailbox = Arc::clone(mailbox);
    thread::spawn(move || run(&mailbox, number))
}

#[test]
fn an_answer_is_complete_and_of_the_thread_that_was_asked() {
    check(|| {
        let mailbox = Arc::new(Mailbox::new(2));
        assert!(mailbox.ask(7));
        let threads = [7, 8].map(|number| spawn(&mailbox, answer, number));
        if let Some(words) = mailbox.fetch() {
            assert_eq!(words, [70, 71]);
        }
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn a_late_answer_is_never_taken_for_that_of_another_thread() {
    check(|| {
        let mailbox = Arc::new(Mailbox::new(2));
        assert!(mailbox.ask(7));
        let late = spawn(&mailbox, answer, 7);
        // Patience is over at whatever moment.
        mailbox.withdraw(7);
        let first = mailbox.fetch();
        assert!(first.is_none_or(|words| words == [70, 71]));
        if mailbox.ask(8) {
            spawn(&mailbox, answer, 8).join().unwrap();
            assert_eq!(
                mailbox.fetch().expect("it was asked and has answered"),
                [80, 81]
            );
        }
        late.join().unwrap();
    });
}

#[test]
fn late_answer_is_replaced_when_thread_is_asked_again() {
    check(|| {
        let mailbox = Arc::new(Mailbox::new(2));
        assert!(mailbox.ask(7));
        let thread = {
            let mailbox = Arc::clone(&mailbox);
            // Two signals, of which the first may come too late.
            thread::spawn(move || {
                answer(&mailbox, 7);
                answer(&mailbox, 7);
            })
        };
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
        let thread = {
            let mailbox = Arc::clone(&mailbox);
            thread::spawn(move || {
                abandon(&mailbox, 7);
                // The next signal, whoever is asked by then.
                answer(&mailbox, 7);
            })
        };
        mailbox.withdraw(7);
        if mailbox.ask(8) {
            spawn(&mailbox, answer, 8).join().unwrap();
            assert_eq!(mailbox.fetch().expect("it has answered"), [80, 81]);
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
        spawn(&mailbox, abandon, 7).join().unwrap();
        assert!(!mailbox.ask(8));
        assert_eq!((mailbox.answering(), mailbox.fetch()), (Some(7), None));
        mailbox.forget(7);
        assert!(mailbox.ask(8));
        spawn(&mailbox, answer, 8).join().unwrap();
        assert_eq!(mailbox.fetch().unwrap(), [80, 81]);
    });
}
