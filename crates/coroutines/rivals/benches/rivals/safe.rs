//! A variant of `coroutines` without unsafe code. Starting and polling alternate in the same way,
//! but each future needs a box to be pinned, and each waker needs an `Arc` to know its task.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::executor::block_on;
use futures::task::AtomicWaker;
use workload_rivals::timed;

use crate::TASKS;
use crate::tasks::check;

#[derive(Default)]
struct Inbox {
    woken: Mutex<Vec<usize>>,
    owner: AtomicWaker,
}

struct Token {
    task: usize,
    queued: AtomicBool,
    inbox: Arc<Inbox>,
}

impl Wake for Token {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.inbox.woken.lock().unwrap().push(self.task);
            self.inbox.owner.wake();
        }
    }
}

struct Task<F> {
    number: usize,
    future: Pin<Box<F>>,
    token: Arc<Token>,
    waker: Waker,
}

/// The number of consecutive steps of one kind, as in `coroutines`.
const STEPS: usize = 32;

pub(crate) fn map<Fut: Future<Output = u64>>(make: impl Fn(u64) -> Fut) -> Duration {
    timed(|| {
        let inbox = Arc::new(Inbox::default());
        let mut tasks: Vec<Option<Task<Fut>>> = Vec::new();
        let mut free: Vec<usize> = Vec::new();
        let mut values = vec![0; TASKS as usize];
        let (mut started, mut ended) = (0, 0);
        let mut batch = Vec::new();
        block_on(poll_fn(|cx| {
            inbox.owner.register(cx.waker());
            loop {
                for _ in 0..STEPS.min(values.len() - started) {
                    let slot = free.pop().unwrap_or_else(|| {
                        tasks.push(None);
                        tasks.len() - 1
                    });
                    let token = Arc::new(Token {
                        task: slot,
                        queued: AtomicBool::new(true),
                        inbox: Arc::clone(&inbox),
                    });
                    tasks[slot] = Some(Task {
                        number: started,
                        future: Box::pin(make(started as u64)),
                        waker: Waker::from(Arc::clone(&token)),
                        token,
                    });
                    started += 1;
                    batch.push(slot);
                }
                batch.append(&mut inbox.woken.lock().unwrap());
                for slot in batch.drain(..) {
                    let Some(task) = &mut tasks[slot] else {
                        continue;
                    };
                    task.token.queued.store(false, Ordering::Release);
                    let mut cx = Context::from_waker(&task.waker);
                    let polled =
                        catch_unwind(AssertUnwindSafe(|| task.future.as_mut().poll(&mut cx)));
                    if let Poll::Ready(value) = polled.unwrap() {
                        values[task.number] = value;
                        tasks[slot] = None;
                        free.push(slot);
                        ended += 1;
                    }
                }
                if ended == values.len() {
                    return Poll::Ready(());
                }
                if started == values.len() && inbox.woken.lock().unwrap().is_empty() {
                    return Poll::Pending;
                }
            }
        }));
        check(values)
    })
}
