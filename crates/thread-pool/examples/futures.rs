//! Jobs of different lengths, waited for one by one: one is cancelled, one panics, one is slow.
//!
//! `cargo run -p effective-thread-pool --example futures`

use std::error::Error;
use std::thread;
use std::time::Duration;

use effective_thread_pool::{JobError, ThreadPool};

fn main() -> Result<(), Box<dyn Error>> {
    let pool = ThreadPool::builder()
        .workers(2)
        .name_prefix("fetch")
        .build()?;

    let slow = pool.submit(|| thread::sleep(Duration::from_millis(200)))?;
    let quick = pool.submit(|| 6 * 7)?;
    let bad = pool.submit(|| -> u32 { panic!("no such page") })?;
    let unwanted = pool.submit(|| thread::sleep(Duration::from_millis(300)))?;
    // Both workers are probably busy; if not, the job runs and this is `false`.
    println!("cancelled in time: {}", unwanted.cancel());

    println!("quick: {}", quick.wait()?);
    match bad.wait() {
        Err(JobError::Panicked(panic)) => println!("bad: {}", panic.message()),
        other => println!("bad: {other:?}"),
    }
    match slow.wait_timeout(Duration::from_millis(1)) {
        Ok(result) => println!("slow: {result:?}"),
        Err(handle) => {
            println!("slow: not yet");
            handle.wait()?;
            println!("slow: now");
        }
    }
    pool.shutdown();
    Ok(())
}
