//! `tokio-tasks` against tokio itself: a hundred thousand tasks at once.

mod asyncio;
mod bytes;
mod spawned;

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
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
    let runtimes = [
        (
            "multi-thread",
            Builder::new_multi_thread()
                .worker_threads(2)
                .enable_time()
                .build(),
        ),
        (
            "current-thread",
            Builder::new_current_thread().enable_time().build(),
        ),
    ];
    for (name, runtime) in runtimes {
        let runtime = runtime.expect("a runtime");
        for each in [Each::YieldsOnce, Each::Sleeps] {
            let what = match each {
                Each::YieldsOnce => "tasks that yield once",
                Each::Sleeps => "sleeps of 10 ms",
            };
            let local = matches!((name, each), ("multi-thread", _) | (_, Each::YieldsOnce));
            contest(&runtime, format!("100,000 {what}, {name}"), each, local).run(&settings);
        }
    }
    if settings.filters.is_empty() || settings.filters.iter().any(|filter| filter == "bytes") {
        bytes_per_task();
    }
}

fn contest(runtime: &Runtime, title: String, each: Each, local: bool) -> Contest<'_> {
    let mut contest = Contest::new(title, "task", TASKS)
        .ours("map", move || {
            timed(|| runtime.block_on(spawned::map(TASKS, each)))
        })
        .ours("as_completed", move || {
            timed(|| runtime.block_on(spawned::as_completed(TASKS, each)))
        })
        .ours("map_local", move || {
            timed(|| runtime.block_on(spawned::map_local(TASKS, each)))
        })
        .rival("JoinSet", move || {
            timed(|| runtime.block_on(spawned::join_set(TASKS, each)))
        })
        .rival("spawn, then each handle", move || {
            timed(|| runtime.block_on(spawned::handles(TASKS, each)))
        });
    // With a hundred thousand timers on one thread it would take fifty times as long.
    if local {
        contest = contest.limit("FuturesUnordered, no tasks", move || {
            timed(|| runtime.block_on(spawned::futures_unordered(TASKS, each)))
        });
    }
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
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime");
    println!("### bytes per task, at the peak\n\n| | yields once | sleeps |\n|---|---:|---:|");
    let row = |name: &str, run: &dyn Fn(Each) -> u64| {
        println!(
            "| {name} | {} | {} |",
            run(Each::YieldsOnce),
            run(Each::Sleeps)
        );
    };
    row("**map**", &|each| {
        bytes::per_task(TASKS, || runtime.block_on(spawned::map(TASKS, each)))
    });
    row("**as_completed**", &|each| {
        bytes::per_task(TASKS, || {
            runtime.block_on(spawned::as_completed(TASKS, each))
        })
    });
    row("**map_local**", &|each| {
        bytes::per_task(TASKS, || runtime.block_on(spawned::map_local(TASKS, each)))
    });
    row("JoinSet", &|each| {
        bytes::per_task(TASKS, || runtime.block_on(spawned::join_set(TASKS, each)))
    });
    row("spawn, then each handle", &|each| {
        bytes::per_task(TASKS, || runtime.block_on(spawned::handles(TASKS, each)))
    });
    row("FuturesUnordered, no tasks", &|each| {
        bytes::per_task(TASKS, || {
            runtime.block_on(spawned::futures_unordered(TASKS, each))
        })
    });
}
