//! Queues and pipelines in a child that was forked.
#![cfg(unix)]

mod forked;

use effective_queue::Queue;
use effective_queue::pipeline::Pipeline;
use forked::in_a_forked_child;

#[test]
fn a_run_dropped_in_a_forked_child_does_not_panic() {
    let runs = || {
        Pipeline::new()
            .stage("forked", 2, |n: u64| n)
            .spawn(0..)
            .unwrap()
    };
    let (first, second) = (runs(), runs());
    let queue = Queue::unbounded();
    queue.put(1).unwrap();
    let mut both = Some((first, second));
    in_a_forked_child(|| {
        drop(both.take());
        // What has no threads works on, each process with items of its own.
        queue.put(2).unwrap();
        assert_eq!((*queue.get().unwrap(), *queue.get().unwrap()), (1, 2));
        let own = Pipeline::new().stage("own", 2, |n: u64| n).collect(0..10);
        assert_eq!(own.unwrap().len(), 10);
    });
    let (mut first, _) = both.unwrap();
    assert!(matches!(first.next(), Some(Ok(0))));
    assert_eq!(queue.close_now(), [1]);
}
