//! The messages of the errors: everything is in `Display`, and `source` repeats nothing.

mod support {
    pub(crate) mod errors;
}

use std::io;
use std::num::NonZeroUsize;
use std::time::Duration;

use effective_data_parallel::{BuildError, DataParallel, TaskError, TimedOut, TryMapError};
use support::errors::{Outer, chain, source_of_outer};

#[test]
fn message_of_a_panic_is_in_display_only() {
    let parallel = DataParallel::new();
    let mapped = parallel.map(&[7], |n| -> u8 { panic!("no {n}") });
    let panic = mapped.into_iter().next().unwrap().unwrap_err();
    assert_eq!(chain(&panic), ["the task panicked: no 7"]);
    assert_eq!(chain(&TaskError::from(panic)), ["the task panicked: no 7"]);
    let tried = parallel.try_map(&[7], |n| -> Result<u8, Outer> { panic!("no {n}") });
    assert_eq!(
        chain(&tried.unwrap_err()),
        ["item 0: the task panicked: no 7"]
    );
}

#[test]
fn message_of_the_functions_error_is_in_display_only() {
    let error = DataParallel::new().try_map(&[1], |_| Err::<u8, _>(Outer));
    assert!(matches!(error, Err(TryMapError::Failed { index: 0, .. })));
    assert_eq!(
        chain(&error.unwrap_err()),
        ["item 0: no answer".to_owned(), source_of_outer()]
    );
}

#[test]
fn message_of_the_system_is_in_display_only() {
    let error = || io::Error::from_raw_os_error(11);
    let shown = BuildError::Refused(error());
    let cause = error();
    let message = format!("the system refused a worker thread ({cause}): use fewer workers");
    assert_eq!(chain(&shown), [message]);
}

#[test]
fn source_of_an_io_error_is_the_source() {
    let shown = BuildError::Refused(io::Error::other(Outer));
    let [message, source] = &chain(&shown)[..] else {
        panic!("{shown:?}")
    };
    assert!(message.contains("no answer"), "{message}");
    assert_eq!(*source, source_of_outer());
}

#[test]
fn each_error_says_what_to_do() {
    let many = DataParallel::new().workers(NonZeroUsize::MAX).unwrap_err();
    assert!(many.to_string().contains("one per core"), "{many}");
    let late = DataParallel::new().map_within(Duration::ZERO, &[1], |n| *n);
    let late = late.into_iter().next().unwrap().unwrap_err();
    assert!(late.to_string().contains("allow more time"), "{late}");
    assert!(TaskError::Stopped.to_string().contains("run it again"));
    assert!(TimedOut.to_string().contains("ask again"));
}
