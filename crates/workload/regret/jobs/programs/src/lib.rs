//! Runs programs with time limits: tasks that wait for processes.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use wait_timeout::ChildExt as _;

/// The number of programs.
pub const TASKS: usize = 80;

/// Long enough for all programs here that end by themselves, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(5);

/// The time after which a program that hangs is killed.
const SHORT_LIMIT: Duration = Duration::from_millis(20);

/// A program with its arguments, its input, and whether it hangs.
pub type Input = (Vec<String>, String, bool);

/// Programs that sort, that count, that fail, and, one in ten, that hang.
pub fn inputs(tasks: usize, seed: u64) -> Vec<Input> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    (0..tasks as u64)
        .map(|task| {
            let numbers: String = (0..500)
                .map(|line| {
                    format!(
                        "{}\n",
                        (line ^ task ^ seed).wrapping_mul(2_654_435_761) % 9973
                    )
                })
                .collect();
            match task % 10 {
                0 => (words(&["sleep", "60"]), String::new(), true),
                1..=4 => (words(&["sort", "-n"]), numbers, false),
                5..=7 => (words(&["wc", "-c"]), numbers, false),
                _ => (words(&["sleep", "0.01"]), String::new(), false),
            }
        })
        .collect()
}

/// The exit code, or nothing if the program was killed, and the first line of its output.
pub type Output = (Option<i32>, String);

fn limit(hangs: bool) -> Duration {
    if hangs { SHORT_LIMIT } else { LIMIT }
}

fn first_line(output: &str) -> String {
    output.lines().next().unwrap_or_default().trim().to_owned()
}

/// Runs the program. Its input and its output fit into a pipe, so neither side can block the other.
///
/// # Errors
///
/// If the program cannot be started or read.
pub fn run(input: &Input) -> Result<Output, String> {
    blocking(input).map_err(|error| format!("{}: {error}", input.0[0]))
}

fn blocking((words, stdin, hangs): &Input) -> std::io::Result<Output> {
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(stdin.as_bytes())?;
    }
    let Some(status) = child.wait_timeout(limit(*hangs))? else {
        child.kill()?;
        child.wait()?;
        return Ok((None, String::new()));
    };
    let mut output = String::new();
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_string(&mut output)?;
    }
    Ok((status.code(), first_line(&output)))
}

/// The same on tokio.
///
/// # Errors
///
/// As with [`run`].
pub async fn run_async(input: &Input) -> Result<Output, String> {
    let result = asynchronous(input).await;
    result.map_err(|error| format!("{}: {error}", input.0[0]))
}

async fn asynchronous((words, stdin, hangs): &Input) -> std::io::Result<Output> {
    let mut command = tokio::process::Command::new(&words[0]);
    command
        .args(&words[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(stdin.as_bytes()).await?;
    }
    let Ok(status) = tokio::time::timeout(limit(*hangs), child.wait()).await else {
        child.kill().await?;
        return Ok((None, String::new()));
    };
    let status = status?;
    let mut output = String::new();
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_string(&mut output).await?;
    }
    Ok((status.code(), first_line(&output)))
}
