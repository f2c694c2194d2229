//! A small CI: runs the commands of a file, several at once, each with a time limit, and reports
//! the failures.
//!
//! `cargo run -p effective-child-process --example checks -- FILE`, with one shell command per
//! line. Without a file it runs three sample commands.

use std::env;
use std::error::Error;
use std::fs;
use std::process::ExitCode;
use std::time::Duration;

use effective_child_process::{Command, Excess, Finished, Many};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    // Adopts orphans, so that no background process escapes.
    effective_child_process::adopt_orphans()?;
    let text = match env::args().nth(1) {
        Some(file) => fs::read_to_string(file)?,
        None => "true\necho no such host >&2; exit 7\necho waiting; sleep 60\n".to_owned(),
    };
    let checks: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let commands = checks.iter().map(|check| {
        Command::new("sh")
            .args(["-c", check])
            .time_limit(Duration::from_secs(2))
            .capture_at_most(1 << 20, Excess::Truncate)
            .kill_leftovers()
    });

    let mut failed = 0;
    for (index, result) in Many::new().as_completed(commands) {
        match result.and_then(Finished::check) {
            Ok(finished) => println!("passed in {:>5.2?}  {}", finished.took, checks[index]),
            Err(error) => {
                failed += 1;
                println!("FAILED           {error}");
            }
        }
    }
    println!("{} of {} passed", checks.len() - failed, checks.len());
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
