//! A task takes items from a thread, gives up when none comes in time, and loses nothing by giving
//! up.
//!
//! `cargo run -p effective-queue --example async_get`

use std::thread;
use std::time::Duration;

use effective_queue::Queue;
use tokio::time::timeout;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let queue = Queue::unbounded();
    let producer = queue.producer();
    let thread = thread::spawn(move || {
        for number in 0..5 {
            thread::sleep(Duration::from_millis(12));
            producer.put(number).expect("open");
        }
        // Dropping the last producer closes the queue.
    });
    let mut given_up = 0;
    loop {
        match timeout(Duration::from_millis(5), queue.get_async()).await {
            Ok(Ok(number)) => println!("got {}", *number),
            Ok(Err(closed)) => {
                println!("{closed}");
                break;
            }
            Err(_) => given_up += 1,
        }
    }
    println!("gave up {given_up} times");
    thread.join().expect("the producer does not panic");
}
