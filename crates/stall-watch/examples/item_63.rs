//! A job that blocks the event loop, the watch that names it, and the same job beside the loop.
//!
//! Item 63: `cargo run -p effective-stall-watch --example item_63`

use std::error::Error;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use effective_stall_watch::StallWatch;
use tokio::runtime::Builder;
use tokio::task::{JoinHandle, spawn_blocking};

const TICKS: u32 = 3;

fn main() -> Result<(), Box<dyn Error>> {
    run(Duration::from_millis(300))
}

pub(crate) fn run(patience: Duration) -> Result<(), Box<dyn Error>> {
    let watch = StallWatch::builder(patience / 4)
        .on_stall(|stall| println!("  {stall}"))
        .build()?;
    let runtime = Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        // The failure: the job waits for the loop that it blocks.
        let (heart, ticks) = beating();
        let job = watch
            .named("report")
            .wrap(async { wait_for(&ticks, patience) });
        let seen = job.await;
        heart.abort();
        assert_eq!(seen, 0);
        println!("in the loop: {seen} of {TICKS} ticks while the job ran");

        let (heart, ticks) = beating();
        let job = async { spawn_blocking(move || wait_for(&ticks, 100 * patience)).await };
        let seen = watch.named("report on a thread").wrap(job).await?;
        heart.abort();
        assert_eq!(seen, TICKS);
        println!("beside it: {seen} of {TICKS} ticks while the job ran");
        Ok::<(), Box<dyn Error>>(())
    })?;

    let times = watch.stats().poll_times;
    assert!(times.longest() >= patience);
    println!("the longest poll took {:.0?}", times.longest());
    Ok(())
}

/// A task of the same loop, which shows that the loop turns.
fn beating() -> (JoinHandle<()>, Receiver<()>) {
    let (tick, ticks) = mpsc::channel();
    let heart = tokio::spawn(async move {
        while tick.send(()).is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    (heart, ticks)
}

/// A blocking job that ends after that many ticks, or when one does not come in time.
fn wait_for(ticks: &Receiver<()>, patience: Duration) -> u32 {
    let got = (0..TICKS).map_while(|_| ticks.recv_timeout(patience).ok());
    got.map(|()| 1).sum()
}
