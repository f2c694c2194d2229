//! A crawler: jobs submit jobs, results are taken as they arrive, and memory stays bounded.
//!
//! `cargo run -p effective-thread-pool --example crawl`

use std::collections::HashSet;
use std::error::Error;
use std::thread;
use std::time::Duration;

use effective_thread_pool::{ThreadPool, WaitFor, as_completed, wait};

/// Simulates a page that takes a while to load. Page `n` links to `2n + 1` and `2n + 2`.
fn fetch(page: u32) -> Vec<u32> {
    thread::sleep(Duration::from_millis(u64::from(page % 7)));
    assert!(page != 5, "page {page} is broken");
    vec![2 * page + 1, 2 * page + 2]
}

fn main() -> Result<(), Box<dyn Error>> {
    let pool = ThreadPool::builder()
        .name_prefix("crawl")
        // Two threads while idle, up to 16 while many pages load.
        .workers(16)
        .min_workers(2)
        .max_pending(64)
        .build()?;

    let (mut seen, mut next) = (HashSet::from([0]), vec![0]);
    while !next.is_empty() {
        let pages = std::mem::take(&mut next);
        let handles: Vec<_> = pages
            .iter()
            .map(|&page| pool.submit(move || fetch(page)))
            .collect::<Result<_, _>>()?;
        for (number, links) in as_completed(handles) {
            match links {
                Ok(links) => next.extend(
                    links
                        .into_iter()
                        .filter(|&page| page < 100 && seen.insert(page)),
                ),
                Err(error) => println!("page {}: {error}", pages[number]),
            }
        }
    }
    println!(
        "{} pages, {} threads at the end",
        seen.len(),
        pool.threads()
    );

    // Waits for the first of several mirrors to answer.
    let mut mirrors: Vec<_> = (1..4)
        .map(|mirror| {
            pool.submit(move || {
                thread::sleep(Duration::from_millis(10 * mirror));
                mirror
            })
        })
        .collect::<Result<_, _>>()?;
    let answered = wait(&mut mirrors, WaitFor::FirstCompleted)?.done[0];
    println!("first: mirror {}", mirrors.swap_remove(answered).wait()?);
    Ok(())
}
