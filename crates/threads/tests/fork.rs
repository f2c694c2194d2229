//! Calls in a forked child.
#![cfg(unix)]

mod forked;

use forked::in_a_forked_child;

#[test]
fn call_in_a_forked_child_works() {
    let values = || {
        effective_threads::map(0..20, |n| n)
            .into_iter()
            .map(Result::unwrap)
    };
    assert!(values().eq(0..20));
    in_a_forked_child(|| assert!(values().eq(0..20)));
}
