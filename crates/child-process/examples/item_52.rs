//! Child processes: their output, five at once, and a time limit that ends a whole tree.
//!
//! Item 52: `cargo run -p effective-child-process --example item_52 [SECOND]`, where `0.1` makes
//! each second a tenth of one.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader};
use std::num::NonZeroUsize;
use std::process;
use std::time::{Duration, Instant};

use effective_child_process::{Command, Many};

const AT_ONCE: NonZeroUsize = NonZeroUsize::new(5).unwrap();

/// A shell that starts a grandchild, says its process id, and waits for it.
const TREE: &str = "sleep 60 & echo $!; wait";

fn main() -> Result<(), Box<dyn Error>> {
    let second = env::args().nth(1).map_or(Ok(1.0), |text| text.parse())?;
    let second = Duration::try_from_secs_f64(second)?;
    run(second, second)
}

pub(crate) fn run(second: Duration, limit: Duration) -> Result<(), Box<dyn Error>> {
    output_and_input()?;
    five_at_once(second)?;
    time_limit(limit)?;
    kill_without_the_tree()
}

fn output_and_input() -> Result<(), Box<dyn Error>> {
    let greeting = Command::new("echo").arg("hello from the child").read()?;
    assert_eq!(greeting, "hello from the child");
    let sorted = Command::new("sort").input("pear\napple\n").read()?;
    assert_eq!(sorted, "apple\npear");
    println!(
        "captured: {greeting}; sorted: {}",
        sorted.replace('\n', ", ")
    );
    Ok(())
}

/// Five children that take a second each, and one second for all.
fn five_at_once(second: Duration) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let seconds = format!("{:.3}", second.as_secs_f64());
    let commands = (0..5).map(|_| Command::new("sleep").arg(&seconds));
    for result in Many::new().limit(AT_ONCE).map(commands) {
        result?.check()?;
    }
    println!("five children of {second:?} took {:.2?}", start.elapsed());
    Ok(())
}

/// Ends the shell and the grandchild that the shell has started.
fn time_limit(limit: Duration) -> Result<(), Box<dyn Error>> {
    let shell = Command::new("sh").args(["-c", TREE]).time_limit(limit);
    let error = shell.run().expect_err("it takes a minute");
    assert!(error.is_timeout(), "{error}");
    let finished = error.into_finished().ok_or("no output")?;
    let grandchild = finished.stdout_text()?.trim().parse()?;
    assert!(!is_running(grandchild));
    println!("after {limit:?} the shell and its child {grandchild} are gone");
    Ok(())
}

/// The same with std, whose `kill` ends one process: the grandchild runs on.
fn kill_without_the_tree() -> Result<(), Box<dyn Error>> {
    let mut shell = process::Command::new("sh")
        .args(["-c", TREE])
        .stdout(process::Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(shell.stdout.take().ok_or("no pipe")?).read_line(&mut line)?;
    let grandchild: u32 = line.trim().parse()?;
    shell.kill()?;
    shell.wait()?;
    let orphaned = is_running(grandchild);
    Command::new("sh")
        .args(["-c", &format!("kill {grandchild}")])
        .read()?;
    assert!(orphaned);
    println!("killed with std alone, the shell left its child {grandchild} running");
    Ok(())
}

/// Whether the process exists and is no zombie.
fn is_running(id: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}
