//! The messages of the errors: everything is in `Display`, and `source` repeats nothing.

mod support {
    pub(crate) mod errors;
}

use std::io;
use std::time::Duration;

use effective_threads::{TaskError, Threads};
use support::errors::{Outer, chain, source_of_outer};

#[test]
fn message_of_a_panic_is_in_display_only() {
    let results = effective_threads::map([7], |n| -> u8 { panic!("no {n}") });
    let error = results.into_iter().next().unwrap().unwrap_err();
    assert_eq!(chain(&error), ["the task panicked: no 7"]);
}

#[test]
fn message_of_the_system_is_in_display_only() {
    let error = || io::Error::from_raw_os_error(11);
    let shown = TaskError::Refused(error());
    let cause = error();
    let message = format!(
        "no thread is available for the task ({cause}): use a smaller stack or fewer threads \
         at once"
    );
    assert_eq!(chain(&shown), [message]);
}

#[test]
fn source_of_an_io_error_is_the_source() {
    let shown = TaskError::Refused(io::Error::other(Outer));
    let [message, source] = &chain(&shown)[..] else {
        panic!("{shown:?}")
    };
    assert!(message.contains("no answer"), "{message}");
    assert_eq!(*source, source_of_outer());
}

#[test]
fn each_error_says_what_to_do() {
    let late = Threads::new().deadline(Duration::ZERO).map([1], |n| n);
    let late = late.into_iter().next().unwrap().unwrap_err();
    assert!(late.to_string().contains("allow more time"), "{late}");
    assert!(TaskError::Stopped.to_string().contains("run it again"));
}

#[test]
fn failure_of_try_map_names_its_task() {
    let failed = Threads::new().try_map([1], |_| Err::<u8, _>(Outer));
    assert_eq!(
        chain(&failed.unwrap_err()),
        ["task 0: no answer".to_owned(), source_of_outer()]
    );
    let panicked = Threads::new().try_map([7], |n| -> Result<u8, Outer> { panic!("no {n}") });
    assert_eq!(
        chain(&panicked.unwrap_err()),
        ["task 0: the task panicked: no 7"]
    );
}
