//! `Retry` around attempts that borrow, and its wakes.

mod support;

use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::task::Context;

use effective_coroutines::{Backoff, Retry};
use support::{Wakes, bounded, on_each_executor};

fn at_once() -> Retry {
    Retry::new().backoff(Backoff::none())
}

#[test]
fn attempts_may_borrow_and_need_not_be_send() {
    on_each_executor(async || {
        let name = String::from("n");
        let not_send = std::rc::Rc::new(());
        let length = at_once()
            .run(async |_| {
                let _here = std::rc::Rc::clone(&not_send);
                Ok::<_, ()>(name.len())
            })
            .await;
        assert_eq!(length, Ok(1));
    });
}

#[test]
fn attempts_that_fail_at_once_yield_to_the_executor() {
    bounded(|| {
        let retry = at_once().attempts(NonZeroUsize::MAX);
        let mut running = pin!(retry.run(async |_| Err::<(), ()>(())));
        let (wakes, waker) = Wakes::new();
        for round in 1..=5 {
            assert!(
                running
                    .as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
            assert_eq!(wakes.count(), round);
        }
    });
}
