//! The delay of reports of stalls of 1.5 times the threshold, and how many are missed.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use effective_stall_watch::{Phase, StallWatch};
use tokio::runtime::Builder;

const THRESHOLD: Duration = Duration::from_millis(20);

/// Plants `stalls` stalls of 1.5 times the threshold, in wrapped and in unwrapped tasks, and prints
/// a table of the delays of their reports.
pub(crate) fn measure(stalls: usize) {
    println!(
        "### stalls of 1.5 × the threshold of {THRESHOLD:?}\n\n| | planted | reported | median | last | false |\n\
         |---|---:|---:|---:|---:|---:|"
    );
    for wrapped in [true, false] {
        let (report, reports) = mpsc::channel();
        let watch = StallWatch::builder(THRESHOLD)
            .reports_per_second(1_000_000)
            .on_stall(move |stall| {
                if stall.phase == Phase::Began {
                    let _ = report.send(Instant::now());
                }
            })
            .build()
            .expect("a thread");
        let runtime = watch
            .configure(&mut Builder::new_multi_thread())
            .worker_threads(2)
            .enable_time()
            .build()
            .expect("threads");
        let _watched = watch.runtime(runtime.handle().clone());
        let mut after = Vec::new();
        let mut more = 0;
        for stall in 0..stalls {
            // Out of step with the watchdog's checks.
            thread::sleep(Duration::from_micros(7_000 + 1_370 * (stall as u64 % 11)));
            let task = async {
                let began = Instant::now();
                thread::sleep(THRESHOLD * 3 / 2);
                began
            };
            let task = if wrapped {
                runtime.spawn(watch.wrap(task))
            } else {
                runtime.spawn(task)
            };
            let began = runtime.block_on(task).expect("no panic");
            // Reports that have not come by now are missed.
            thread::sleep(THRESHOLD / 2);
            let mut found = reports.try_iter();
            after.extend(found.next().map(|at| at - began));
            more += found.count();
        }
        after.sort_unstable();
        let in_thresholds = |time: Option<&Duration>| {
            time.map_or("–".to_owned(), |time| {
                format!("{:.2} ×", time.as_secs_f64() / THRESHOLD.as_secs_f64())
            })
        };
        println!(
            "| {} | {stalls} | {} | {} | {} | {more} |",
            if wrapped { "wrapped" } else { "not wrapped" },
            after.len(),
            in_thresholds(after.get(after.len() / 2)),
            in_thresholds(after.last()),
        );
    }
    println!();
}
