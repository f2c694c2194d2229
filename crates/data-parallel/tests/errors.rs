//! What the errors say: everything in `Display`, and from `source` only what `Display` has not said.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use effective_data_parallel::{ConfigError, DataParallel, TaskError, TimedOut, TryMapError};

/// All that a report of the whole chain would print.
fn chain(error: &dyn Error) -> Vec<String> {
    let behind = std::iter::successors(Some(error), |&error| error.source());
    behind.map(ToString::to_string).collect()
}

#[derive(Debug)]
struct Outer;

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no answer")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&fmt::Error)
    }
}

fn behind_outer() -> String {
    fmt::Error.to_string()
}

#[test]
fn the_message_of_a_panic_is_in_display_and_only_there() {
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
fn the_words_of_the_functions_error_are_in_display_and_its_source_is_the_source() {
    let error = DataParallel::new().try_map(&[1], |_| Err::<u8, _>(Outer));
    assert!(matches!(error, Err(TryMapError::Failed { index: 0, .. })));
    assert_eq!(
        chain(&error.unwrap_err()),
        ["item 0: no answer".to_owned(), behind_outer()]
    );
}

#[test]
fn the_words_of_the_system_are_in_display_and_only_there() {
    let error = || io::Error::from_raw_os_error(11);
    let shown = ConfigError::Refused(error());
    let words = error();
    let said = format!("the system refused a worker thread ({words}): give fewer workers");
    assert_eq!(chain(&shown), [said]);
}

#[test]
fn what_lies_behind_an_io_error_is_the_source() {
    let shown = ConfigError::Refused(io::Error::other(Outer));
    let [said, behind] = &chain(&shown)[..] else {
        panic!("{shown:?}")
    };
    assert!(said.contains("no answer"), "{said}");
    assert_eq!(*behind, behind_outer());
}

#[test]
fn each_error_says_what_to_do() {
    let new = DataParallel::new;
    for (error, advice) in [
        (new().workers(0).unwrap_err(), "at least 1"),
        (
            new().workers(1 << 20).unwrap_err(),
            "as many as there are cores",
        ),
        (new().grain(0).unwrap_err(), "at least 1"),
        (new().look_ahead(0).unwrap_err(), "at least 1"),
    ] {
        assert!(error.to_string().contains(advice), "{error}");
    }
    let late = new().map_within(Duration::ZERO, &[1], |n| *n);
    let late = late.into_iter().next().unwrap().unwrap_err();
    assert!(late.to_string().contains("allow more time"), "{late}");
    assert!(TaskError::Stopped.to_string().contains("run it again"));
    assert!(TimedOut.to_string().contains("ask again"));
}
