//! A hundred thousand waits at once on one thread:
//! `cargo run --release --example many_waits -p effective-coroutines [WAITS]`
//!
//! With threads, each wait would take a stack; here it takes a few hundred bytes.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use async_io::Timer;

const WAIT: Duration = Duration::from_millis(500);

// Any executor works. This one is tokio's, and the timers are those of `async-io`.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let waits = match std::env::args().nth(1).map(|text| text.parse()) {
        None => 100_000,
        Some(Ok(waits)) => waits,
        Some(Err(error)) => {
            eprintln!("the number of waits: {error}");
            return ExitCode::from(2);
        }
    };
    let start = Instant::now();
    let results = effective_coroutines::map(0..waits, async |n: u64| {
        Timer::after(WAIT).await;
        n
    })
    .await;
    let ended = results.iter().filter(|result| result.is_ok()).count();
    println!(
        "{ended} waits of {WAIT:?} took {:.3?}, on {} thread(s){}",
        start.elapsed(),
        threads(),
        peak_memory(),
    );
    ExitCode::SUCCESS
}

/// The number of threads: this one and that of the timers.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count)
}

fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.map_or_else(String::new, |peak| format!(", at most {}", peak.trim()))
}
