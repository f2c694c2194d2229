//! Python's asyncio, in a process of its own that times itself.

use std::process::{Command, Stdio};
use std::time::Duration;

/// A tenth of the tasks, so that a round stays short: the cost of one grows slightly with their number, so this flatters
/// Python, if anybody.
const SHARE: u32 = 10;

const LOOPS: [(&str, &str); 2] = [
    ("asyncio", "import asyncio\nrun = asyncio.run\n"),
    ("uvloop", "import asyncio, uvloop\nrun = uvloop.run\n"),
];

/// The event loops that can be had here.
pub(crate) fn loops() -> impl Iterator<Item = (&'static str, &'static str)> {
    LOOPS.into_iter().filter(|(name, import)| {
        let there = python(import).is_some();
        if !there {
            eprintln!("no row for {name}: python3 cannot import it here");
        }
        there
    })
}

/// `gather` over tasks that do `each` once, and the time for all of them.
pub(crate) fn gather(import: &str, tasks: u64, each: &str) -> Duration {
    let tasks = tasks / u64::from(SHARE);
    let program = format!(
        "{import}
import time
async def task(n):
    await asyncio.sleep({each})
    return n
async def main():
    return await asyncio.gather(*(asyncio.ensure_future(task(n)) for n in range({tasks})))
start = time.perf_counter_ns()
run(main())
print(time.perf_counter_ns() - start)
"
    );
    let printed = python(&program).expect("the program ran before");
    let nanoseconds = printed.trim().parse().expect("a number");
    Duration::from_nanos(nanoseconds) * SHARE
}

fn python(program: &str) -> Option<String> {
    let output = Command::new("python3")
        .args(["-c", program])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
