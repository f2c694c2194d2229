//! Pipelines in a child that was forked.
#![cfg(unix)]

mod forked;

use effective_pipeline::Pipeline;
use forked::in_a_forked_child;

#[test]
fn running_can_be_dropped_in_a_forked_child() {
    let run = || {
        Pipeline::new()
            .stage("forked", 2, |n: u64| n)
            .spawn(0..)
            .unwrap()
    };
    let mut both = Some((run(), run()));
    in_a_forked_child(|| {
        drop(both.take());
        let own = Pipeline::new().stage("own", 2, |n: u64| n).collect(0..10);
        assert_eq!(own.unwrap().len(), 10);
    });
    let (mut first, _) = both.unwrap();
    assert!(matches!(first.next(), Some(Ok(0))));
}
