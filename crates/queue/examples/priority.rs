//! The most urgent job first; equally urgent ones in FIFO order.
//!
//! `cargo run -p effective-queue --example priority`

use std::cmp::Ordering;

use effective_queue::Queue;

struct Job {
    urgency: u8,
    name: &'static str,
}

// Only the urgency counts. The queue keeps equal jobs in FIFO order.
impl Ord for Job {
    fn cmp(&self, other: &Self) -> Ordering {
        self.urgency.cmp(&other.urgency)
    }
}

impl PartialOrd for Job {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Job {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Job {}

fn main() {
    let queue = Queue::priority(None);
    for (urgency, name) in [
        (1, "sweep"),
        (5, "answer the bell"),
        (1, "dust"),
        (9, "put out the fire"),
    ] {
        queue.put(Job { urgency, name }).expect("open");
    }
    queue.close();
    for job in &queue {
        println!("{} {}", job.urgency, job.name);
    }
}
