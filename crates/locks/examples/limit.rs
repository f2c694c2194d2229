//! Ten threads that share three database connections: a semaphore with a timeout, and an event that
//! starts all of them together.
//!
//! `cargo run -p effective-locks --example limit`

use std::thread;
use std::time::Duration;

use effective_locks::{Event, Semaphore, TimedMutex};

fn main() {
    let (start, connections) = (Event::new(), Semaphore::new(3));
    let log = TimedMutex::new("log", Vec::new());
    thread::scope(|scope| {
        for number in 0..10 {
            let (start, connections, log) = (&start, &connections, &log);
            scope.spawn(move || {
                start.wait();
                let outcome = match connections.acquire_timeout(Duration::from_millis(50)) {
                    Ok(_permit) => {
                        thread::sleep(Duration::from_millis(20));
                        "served".to_owned()
                    }
                    Err(error) => error.to_string(),
                };
                match log.lock_timeout(Duration::from_secs(1)) {
                    Ok(mut log) => log.push(format!("{number}: {outcome}")),
                    Err(error) => eprintln!("{error}"),
                }
            });
        }
        start.set();
    });
    for line in log.into_inner() {
        println!("{line}");
    }
    println!("{} connections are free", connections.available());
}
