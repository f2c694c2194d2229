//! `async-std-tasks` against async-std itself: a hundred thousand tasks at once.

mod asyncio;
mod bytes;
mod spawned;

use std::time::Duration;

use async_std::task::block_on;
use workload_rivals::{Contest, Settings, timed};

const TASKS: u64 = 100_000;
const SLEEP: Duration = Duration::from_millis(10);

/// The work of a task.
#[derive(Clone, Copy)]
enum Each {
    YieldsOnce,
    Sleeps,
}

fn main() {
    let settings = Settings::from_args();
    for each in [Each::YieldsOnce, Each::Sleeps] {
        let what = match each {
            Each::YieldsOnce => "tasks that yield once",
            Each::Sleeps => "sleeps of 10 ms",
        };
        contest(format!("100,000 {what}"), each).run(&settings);
    }
    if settings.filters.is_empty() || settings.filters.iter().any(|filter| filter == "bytes") {
        bytes_per_task();
    }
}

fn contest(title: String, each: Each) -> Contest<'static> {
    let mut contest = Contest::new(title, "task", TASKS)
        .ours("map", move || timed(|| block_on(spawned::map(TASKS, each))))
        .ours("as_completed", move || {
            timed(|| block_on(spawned::as_completed(TASKS, each)))
        })
        .ours("map_local", move || {
            timed(|| block_on(spawned::map_local(TASKS, each)))
        })
        .rival("spawn, then each handle", move || {
            timed(|| block_on(spawned::handles(TASKS, each)))
        })
        .limit("FuturesUnordered, no tasks", move || {
            timed(|| block_on(spawned::futures_unordered(TASKS, each)))
        });
    let argument = match each {
        Each::YieldsOnce => "0".to_owned(),
        Each::Sleeps => SLEEP.as_secs_f64().to_string(),
    };
    for (name, import) in asyncio::loops() {
        let argument = argument.clone();
        contest = contest.limit(name, move || asyncio::gather(import, TASKS, &argument));
    }
    contest.reach_best_rival(1.15)
}

fn bytes_per_task() {
    println!("### bytes per task, at the peak\n\n| | yields once | sleeps |\n|---|---:|---:|");
    let row = |name: &str, run: &dyn Fn(Each) -> u64| {
        println!(
            "| {name} | {} | {} |",
            run(Each::YieldsOnce),
            run(Each::Sleeps)
        );
    };
    row("**map**", &|each| {
        bytes::per_task(TASKS, || block_on(spawned::map(TASKS, each)))
    });
    row("**as_completed**", &|each| {
        bytes::per_task(TASKS, || block_on(spawned::as_completed(TASKS, each)))
    });
    row("**map_local**", &|each| {
        bytes::per_task(TASKS, || block_on(spawned::map_local(TASKS, each)))
    });
    row("spawn, then each handle", &|each| {
        bytes::per_task(TASKS, || block_on(spawned::handles(TASKS, each)))
    });
    row("FuturesUnordered, no tasks", &|each| {
        bytes::per_task(TASKS, || block_on(spawned::futures_unordered(TASKS, each)))
    });
}
