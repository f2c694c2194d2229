//! What the errors say: everything in `Display`, and from `source` only what `Display` has not said.

use std::error::Error;
use std::fmt;

use tokio_tasks::{TaskError, TaskFailure, TaskGroup, map};

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

#[tokio::test]
async fn the_message_of_a_panic_is_in_display_and_only_there() {
    let results = map([7], async |n| -> u8 { panic!("no {n}") }).await;
    let error = results.into_iter().next().unwrap().unwrap_err();
    assert_eq!(chain(&error), ["the task panicked: no 7"]);

    let mut group = TaskGroup::<(), Outer>::new();
    group.spawn(async { panic!("gone") });
    let failures = group.join_all().await.unwrap_err().into_failures();
    assert_eq!(chain(&failures[0].1), ["the task panicked: gone"]);
}

#[tokio::test]
async fn the_words_of_a_tasks_error_are_in_display_and_its_source_is_the_source() {
    let mut group = TaskGroup::<(), Outer>::new();
    group.spawn(async { Err(Outer) });
    let error = group.join_all().await.unwrap_err();
    assert_eq!(
        chain(&error.failures()[0].1),
        ["no answer".to_owned(), behind_outer()]
    );
    // Of several failures none is the one that the chain could go on with.
    assert_eq!(
        chain(&error),
        ["1 of 1 tasks failed, 0 cancelled; task 0: no answer"]
    );
}

#[test]
fn each_error_says_what_to_do() {
    let of_map = TaskError::Cancelled.to_string();
    assert!(of_map.contains("keep the runtime"), "{of_map}");
    let of_group = TaskFailure::<Outer>::Cancelled.to_string();
    assert!(of_group.contains("spawn it again"), "{of_group}");
}
