//! Python's asyncio, in a process that times itself.

use std::process::{Command, Stdio};
use std::time::Duration;

/// Python runs this fraction of the tasks, so that a round is short, and its time is multiplied.
///
/// The cost of a task grows slightly with their number, so this favours Python.
const SHARE: u32 = 10;

const LOOPS: [(&str, &str); 2] = [
    ("asyncio", "import asyncio\nrun = asyncio.run\n"),
    ("uvloop", "import asyncio, uvloop\nrun = uvloop.run\n"),
];

/// The event loops that are installed.
pub(crate) fn loops() -> impl Iterator<Item = (&'static str, &'static str)> {
    LOOPS.into_iter().filter(|(name, import)| {
        let is_installed = python(import).is_some();
        if !is_installed {
            eprintln!("no row for {name}: python3 cannot import it");
        }
        is_installed
    })
}

/// The time of `gather` over tasks that sleep for `each` seconds.
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
    let printed = python(&program).expect("its imports work");
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
