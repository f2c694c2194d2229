//! Calls in a child that was forked.
#![cfg(unix)]

mod forked;

use forked::in_a_forked_child;

#[test]
fn a_call_in_a_forked_child_works_as_in_the_parent() {
    let values = || {
        effective_threads::map(0..20, |n| n)
            .into_iter()
            .map(Result::unwrap)
    };
    assert!(values().eq(0..20));
    in_a_forked_child(|| assert!(values().eq(0..20)));
}
