//! What errors say, and what lies behind them.

use std::error::Error;
use std::io;

use effective_coroutines::{
    Backoff, GroupError, NoFutures, Retry, RetryError, TaskError, TaskFailure, TaskPanic, map,
};

fn panicked() -> TaskError {
    let mut results =
        futures::executor::block_on(map([13], async |number| panic!("order {number}")));
    results.pop().unwrap().unwrap_err()
}

#[test]
fn a_panic_is_displayed_with_its_message_and_has_its_payload() {
    let error = panicked();
    assert_eq!(error.to_string(), "the task panicked: order 13");
    assert!(error.source().is_none());
    let TaskError::Panicked(panic) = error else {
        panic!("it did");
    };
    assert_eq!(
        *panic.into_payload().downcast::<String>().unwrap(),
        "order 13"
    );
}

#[test]
fn what_was_cancelled_says_what_to_do() {
    let text = TaskError::Cancelled.to_string();
    assert!(
        text.contains("cancelled") && text.contains("again") && !text.contains('\n'),
        "{text}"
    );
    let text = TaskFailure::<io::Error>::Cancelled.to_string();
    assert!(
        text.contains("cancelled") && text.contains("again") && !text.contains('\n'),
        "{text}"
    );
}

#[test]
fn a_retry_says_why_it_gave_up_and_goes_on_behind_the_last_error() {
    let retry = Retry::new().backoff(Backoff::none());
    let error =
        futures::executor::block_on(retry.run(async |_| Err::<(), _>(io::Error::other(NoFutures))))
            .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "failed after 3 attempts, the most that were allowed: allow more; the last error: {NoFutures}"
        )
    );
    assert!(
        error.source().is_none(),
        "nothing lies behind what was displayed"
    );
}

#[test]
fn errors_are_send_and_sync_and_small() {
    fn check<E: Error + Send + Sync + 'static>() {}
    check::<TaskError>();
    check::<TaskPanic>();
    check::<NoFutures>();
    check::<effective_coroutines::Elapsed>();
    check::<GroupError<io::Error>>();
    check::<RetryError<io::Error>>();
    assert_eq!(size_of::<Result<u64, TaskError>>(), 16);
}
