//! Many slow requests, some of which fail, at most fifty at once.
//!
//! `cargo run -p effective-async-std-tasks --example fetch_many`

use std::num::NonZeroUsize;
use std::time::Duration;

use effective_async_std_tasks::{TaskError, Tasks};

const LIMIT: NonZeroUsize = NonZeroUsize::new(50).unwrap();

/// A request. Every tenth server is slow, and one answer cannot be parsed.
async fn fetch(id: u64) -> u64 {
    let time = if id.is_multiple_of(10) { 500 } else { 5 };
    async_std::task::sleep(Duration::from_millis(time)).await;
    assert_ne!(id, 77, "the answer of server 77 makes no sense");
    id * id
}

#[async_std::main]
async fn main() {
    let answers = Tasks::new()
        .limit(LIMIT)
        .time_limit(Duration::from_millis(100))
        .map(0..200, fetch)
        .await;

    let (mut answered, mut late) = (0, 0);
    for (id, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(_) => answered += 1,
            Err(TaskError::TimedOut(_)) => late += 1,
            Err(error) => println!("server {id}: {error}"),
        }
    }
    println!("{answered} answered, {late} too late");
}
