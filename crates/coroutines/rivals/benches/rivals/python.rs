//! Python's asyncio and uvloop, if installed, in a process that times itself.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::{TASKS, sleeps};

/// Python runs this fraction of the tasks, so that a round does not take seconds, and its time is
/// multiplied.
const SHARE: u64 = 10;

const YIELD: &str = "
async def task(number):
    await asyncio.sleep(0)
    return number
";

const GATE: &str = "
gate = None
waiting = 0
async def task(number):
    global gate, waiting
    gate = gate or asyncio.Event()
    waiting += 1
    if waiting == TASKS:
        gate.set()
    await gate.wait()
    return number
";

const SLEEP: &str = "
async def task(number):
    await asyncio.sleep(SLEEP)
    return number
";

const MAIN: &str = "
async def main():
    clock = time.process_time_ns if SLEEP else time.perf_counter_ns
    start = clock()
    values = await asyncio.gather(*[task(number) for number in range(TASKS)])
    elapsed = clock() - start
    assert sum(values) == TASKS * (TASKS - 1) // 2
    print(elapsed)
asyncio.run(main())
";

type Entry = (&'static str, Box<dyn FnMut() -> Duration>);

pub(crate) fn yields() -> Vec<Entry> {
    entries(YIELD, 0.0)
}

pub(crate) fn gates() -> Vec<Entry> {
    entries(GATE, 0.0)
}

pub(crate) fn sleeps() -> Vec<Entry> {
    entries(SLEEP, sleeps::SLEEP.as_secs_f64())
}

/// The event loops. `sleep` is the time that a task sleeps, in seconds; unless it is zero, the
/// program reports CPU time.
fn entries(task: &'static str, sleep: f64) -> Vec<Entry> {
    [
        ("asyncio.gather, 10,000 tasks", "import asyncio, time"),
        (
            "the same with uvloop",
            "import asyncio, time, uvloop\nuvloop.install()",
        ),
    ]
    .into_iter()
    .filter(|(_, imports)| run(imports).is_some())
    .map(|(name, imports)| {
        let program = format!(
            "{imports}\nTASKS = {}\nSLEEP = {sleep}\n{task}{MAIN}",
            TASKS / SHARE
        );
        let work = move || {
            let printed = run(&program).expect("it ran a moment ago");
            let nanos: u64 = printed.trim().parse().expect("a number");
            Duration::from_nanos(nanos * SHARE)
        };
        (name, Box::new(work) as Box<dyn FnMut() -> Duration>)
    })
    .collect()
}

/// The output of a program, if it succeeds.
fn run(program: &str) -> Option<String> {
    let output = Command::new("python3")
        .args(["-c", program])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(text)
}
