//! The messages and sources of errors.

use std::error::Error;
use std::io;

use effective_coroutines::{
    Backoff, GroupError, NoFutures, Retry, RetryError, TaskError, TaskPanic, map,
};

fn panicked() -> TaskError {
    let mut results =
        futures::executor::block_on(map([13], async |number| panic!("order {number}")));
    results.pop().unwrap().unwrap_err()
}

#[test]
fn panic_shows_its_message_and_keeps_its_payload() {
    let error = panicked();
    assert_eq!(error.to_string(), "the task panicked: order 13");
    assert!(error.source().is_none());
    let TaskError::Panicked(panic) = error else {
        panic!("the task panicked");
    };
    assert_eq!(
        *panic.into_payload().downcast::<String>().unwrap(),
        "order 13"
    );
}

#[test]
fn cancelled_error_says_what_to_do() {
    let text = TaskError::<io::Error>::Cancelled.to_string();
    assert!(
        text.contains("cancelled") && text.contains("again") && !text.contains('\n'),
        "{text}"
    );
}

#[test]
fn retry_error_says_why_it_gave_up() {
    let retry = Retry::new().backoff(Backoff::none());
    let error =
        futures::executor::block_on(retry.run(async |_| Err::<(), _>(io::Error::other(NoFutures))))
            .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("failed after 3 attempts, the limit: allow more; the last error: {NoFutures}")
    );
    assert!(error.source().is_none(), "the source was displayed already");
}

#[test]
fn errors_are_send_and_sync_and_small() {
    fn check<E: Error + Send + Sync + 'static>() {}
    check::<TaskError>();
    check::<TaskPanic>();
    check::<NoFutures>();
    check::<effective_coroutines::TimedOut>();
    check::<GroupError<io::Error>>();
    check::<RetryError<io::Error>>();
    assert_eq!(size_of::<Result<u64, TaskError>>(), 16);
}
