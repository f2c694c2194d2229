//! The tasks, the same for every contestant.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use crate::TASKS;

/// Wakes itself and is pending once.
pub(crate) async fn yield_once(number: u64) -> u64 {
    let mut yielded = false;
    poll_fn(|cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    number
}

/// A gate that opens, and wakes all tasks, when all of them wait at it.
#[derive(Default)]
pub(crate) struct Gate {
    waiting: RefCell<Vec<Waker>>,
    open: Cell<bool>,
}

impl Gate {
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(Self {
            waiting: RefCell::new(Vec::with_capacity(TASKS as usize)),
            open: Cell::new(false),
        })
    }
}

pub(crate) async fn pass(gate: Rc<Gate>, number: u64) -> u64 {
    poll_fn(|cx| {
        if gate.open.get() {
            return Poll::Ready(());
        }
        let mut waiting = gate.waiting.borrow_mut();
        waiting.push(cx.waker().clone());
        if waiting.len() == TASKS as usize {
            gate.open.set(true);
            waiting.drain(..).for_each(Waker::wake);
        }
        Poll::Pending
    })
    .await;
    number
}

/// Checks the sum of the results.
pub(crate) fn check(values: impl IntoIterator<Item = u64>) -> u64 {
    let sum = values.into_iter().sum();
    assert_eq!(sum, TASKS * (TASKS - 1) / 2);
    sum
}
