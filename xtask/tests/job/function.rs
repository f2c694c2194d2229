//! The function of the tests' job. The variable `JOB_CASE` says how it behaves.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

use job::Job;

fn case() -> String {
    std::env::var("JOB_CASE").unwrap_or_default()
}

struct Input {
    number: u64,
    text: String,
}

job::value!(Input { number, text });

fn inputs(tasks: usize, seed: u64) -> Vec<Input> {
    let case = case();
    if case == "prints" {
        println!("inputs made");
        print!("and no newline");
    }
    let (tasks, offset) = match case.as_str() {
        "few" => (tasks - 1, 0),
        "inputs differ" => (tasks, u64::from(std::process::id())),
        "inputs panic" => panic!("no inputs today"),
        _ => (tasks, 0),
    };
    let mut random = job::Rng::new(seed);
    (0..tasks)
        .map(|number| Input {
            number: number as u64 + offset,
            text: format!("{:x}", random.next_u64()),
        })
        .collect()
}

fn run(input: &Input) -> Result<(u64, String), String> {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    match case().as_str() {
        "prints" => {
            println!("0000000000000001 is not the output of {}", input.number);
            print!("and no newline");
            Ok((input.number, input.text.clone()))
        }
        "panic" if input.number == 3 => panic!("the third is too much"),
        "error" if input.number == 3 => Err("the third is refused\nfor good".to_owned()),
        "hang" => loop {
            sleep(Duration::from_secs(1));
        },
        "slow" => {
            sleep(Duration::from_millis(1_100));
            Ok((input.number, String::new()))
        }
        "waits" => {
            sleep(Duration::from_millis(5));
            Ok((input.number, String::new()))
        }
        "outputs differ" | "declared" => Ok((CALLS.fetch_add(1, Ordering::Relaxed), String::new())),
        "in threads" if std::thread::current().name() != Some("main") => Err("only in main".to_owned()),
        _ => Ok((input.number, input.text.chars().rev().collect())),
    }
}

async fn run_async(input: &Input) -> Result<(u64, String), String> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    run(input)
}

fn main() -> ExitCode {
    let job = Job::new(inputs, run).tasks(20);
    match case().as_str() {
        "async" => job.run_async(run_async).main(),
        "declared" => job.unrepeatable().main(),
        _ => job.main(),
    }
}
