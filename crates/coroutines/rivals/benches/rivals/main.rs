//! `coroutines` against its rivals, in one run:
//! `cargo bench -p coroutines-rivals -- [FILTER…] [--rounds N]`.

mod bytes;
mod many;
mod python;
mod safe;
mod sleeps;
mod tasks;

use std::time::Duration;

use workload_rivals::{Contest, Settings};

/// The tasks of each contest.
const TASKS: u64 = 100_000;

/// One contestant: its name, whether it is ours, and its work.
struct Entry {
    name: &'static str,
    ours: bool,
    work: Box<dyn Fn() -> Duration>,
}

impl Entry {
    fn ours(name: &'static str, work: impl Fn() -> Duration + 'static) -> Self {
        let work = Box::new(work);
        Self {
            name,
            ours: true,
            work,
        }
    }

    fn rival(name: &'static str, work: impl Fn() -> Duration + 'static) -> Self {
        let work = Box::new(work);
        Self {
            name,
            ours: false,
            work,
        }
    }
}

fn main() {
    let settings = Settings::from_args();
    for (title, entries, python, against) in [
        (
            "yield once",
            many::yields(),
            python::yields(),
            "smol LocalExecutor",
        ),
        (
            "all alive at once, then woken",
            many::gates(),
            python::gates(),
            "smol LocalExecutor",
        ),
        (
            "sleep 50 ms, CPU time",
            sleeps::entries(sleeps::cpu_time),
            python::sleeps(),
            "FuturesUnordered + async-io",
        ),
        (
            "sleep 50 ms, time beyond that",
            sleeps::entries(sleeps::beyond_sleep),
            Vec::new(),
            "FuturesUnordered + async-io",
        ),
    ] {
        let title = format!("100,000 tasks: {title}");
        if !settings.filters.is_empty()
            && !settings.filters.iter().any(|filter| title.contains(filter))
        {
            continue;
        }
        let bytes: Vec<_> = entries
            .iter()
            .map(|entry| {
                // The first run allocates what lasts as long as the process.
                (entry.work)();
                (entry.name, bytes::per_task(TASKS, &entry.work))
            })
            .collect();
        let mut contest = Contest::new(title, "task", TASKS);
        for Entry { name, ours, work } in entries {
            contest = if ours {
                contest.ours(name, work)
            } else {
                contest.rival(name, work)
            };
        }
        for (name, work) in python {
            contest = contest.rival(name, work);
        }
        contest.reach(1.0, against).run(&settings);
        println!("bytes per task, the peak of what was allocated:\n");
        for (name, bytes) in bytes {
            println!("- {name}: {bytes}");
        }
        println!();
    }
}
