//! Queues in a child that was forked.
#![cfg(unix)]

mod forked;

use effective_queue::Queue;
use forked::in_a_forked_child;

#[test]
fn queue_works_in_a_forked_child() {
    let queue = Queue::unbounded();
    queue.put(1).unwrap();
    in_a_forked_child(|| {
        // Each process has items of its own.
        queue.put(2).unwrap();
        assert_eq!((*queue.get().unwrap(), *queue.get().unwrap()), (1, 2));
    });
    assert_eq!(queue.close_now(), [1]);
}
