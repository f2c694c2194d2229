//! What the errors say: everything in `Display`, and from `source` only what `Display` has not said.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use effective_threads::{TaskError, Threads};

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
    let results = effective_threads::map([7], |n| -> u8 { panic!("no {n}") });
    let error = results.into_iter().next().unwrap().unwrap_err();
    assert_eq!(chain(&error), ["the task panicked: no 7"]);
}

#[test]
fn the_words_of_the_system_are_in_display_and_only_there() {
    let error = || io::Error::from_raw_os_error(11);
    let shown = TaskError::Refused(error());
    let words = error();
    let said = format!(
        "no thread could be had for the task ({words}): use a smaller stack or run fewer threads at once"
    );
    assert_eq!(chain(&shown), [said]);
}

#[test]
fn what_lies_behind_an_io_error_is_the_source() {
    let shown = TaskError::Refused(io::Error::other(Outer));
    let [said, behind] = &chain(&shown)[..] else {
        panic!("{shown:?}")
    };
    assert!(said.contains("no answer"), "{said}");
    assert_eq!(*behind, behind_outer());
}

#[test]
fn each_error_says_what_to_do() {
    let late = Threads::new().deadline(Duration::ZERO).map([1], |n| n);
    let late = late.into_iter().next().unwrap().unwrap_err();
    assert!(late.to_string().contains("allow more time"), "{late}");
    let name = Threads::new().name_prefix("a\0b").unwrap_err();
    assert!(name.to_string().contains("take it out"), "{name}");
    assert!(TaskError::Stopped.to_string().contains("run it again"));
}

#[test]
fn a_failure_of_try_map_says_which_task_and_its_words_once() {
    let failed = Threads::new().try_map([1], |_| Err::<u8, _>(Outer));
    assert_eq!(
        chain(&failed.unwrap_err()),
        ["task 0: no answer".to_owned(), behind_outer()]
    );
    let panicked = Threads::new().try_map([7], |n| -> Result<u8, Outer> { panic!("no {n}") });
    assert_eq!(
        chain(&panicked.unwrap_err()),
        ["task 0: the task panicked: no 7"]
    );
}
