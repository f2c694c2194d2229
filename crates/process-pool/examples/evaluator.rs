//! A crash-proof evaluator of hostile input: each line is an expression, and one that overflows the
//! stack, loops, takes all memory or panics costs only its own answer.
//!
//! The evaluator takes no care. It runs in worker processes with a time limit and a memory limit,
//! and the pool replaces the workers that it loses.
//!
//! `cargo run -p effective-process-pool --example evaluator -- [--limit-ms MS] [EXPRESSION...]`
//!
//! An expression has whole numbers, parentheses and `+ - * / ^`, from left to right; `[n]` adds up
//! the numbers below `n` in a list. `-` reads an expression from each line of standard input;
//! without any the program evaluates some, of which half are hostile. Each may take 2 s. The exit
//! status is 0 once each has its answer or its reason, 2 if the arguments are wrong.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use effective_process_pool::{ProcessPool, Program, job, register};

const USAGE: &str = "usage: evaluator [--limit-ms MS] [EXPRESSION...]";

job! {
    /// The value of an expression.
    fn evaluate(expression: String) -> i128 {
        let text: String = expression.split_whitespace().collect();
        let mut rest = text.as_str();
        let value = value(&mut rest);
        assert!(rest.is_empty(), "unexpected {rest:.20}");
        value
    }

    fn be_quiet(_input: ()) -> () {
        std::panic::set_hook(Box::new(|_| {}));
    }
}

/// Takes the first character off the rest if it is one of these.
fn take(rest: &mut &str, characters: &str) -> Option<char> {
    let first = rest
        .chars()
        .next()
        .filter(|first| characters.contains(*first))?;
    *rest = &rest[first.len_utf8()..];
    Some(first)
}

fn value(rest: &mut &str) -> i128 {
    let mut value = atom(rest);
    while let Some(operator) = take(rest, "+-*/^") {
        let other = atom(rest);
        let result = match operator {
            '+' => value.checked_add(other),
            '-' => value.checked_sub(other),
            '*' => value.checked_mul(other),
            '/' => value.checked_div(other),
            _ => (0..other).try_fold(1, |power: i128, _| power.checked_mul(value)),
        };
        value = result.expect("the result is no number of 128 bits");
    }
    value
}

fn atom(rest: &mut &str) -> i128 {
    if let Some(open) = take(rest, "([") {
        let value = value(rest);
        assert!(take(rest, ")]").is_some(), "{open} is not closed");
        return match open {
            '(' => value,
            _ => (0..value).collect::<Vec<_>>().iter().sum(),
        };
    }
    let end = rest.find(|c: char| !c.is_ascii_digit());
    let (digits, after) = rest.split_at(end.unwrap_or(rest.len()));
    *rest = after;
    digits.parse().expect("a number")
}

fn sample() -> Vec<String> {
    let deep = "(".repeat(1_000_000);
    let all = "6 * 7;2 ^ 100;1 / 0;1 ^ (2 ^ 100);[2 ^ 40];2 +;[1000]".split(';');
    all.chain([&*deep]).map(str::to_owned).collect()
}

fn settings(arguments: &[OsString]) -> Result<(u64, Vec<String>), String> {
    let all = arguments
        .iter()
        .map(|text| text.to_string_lossy().into_owned());
    let mut all: Vec<String> = all.collect();
    let mut limit_ms = 2_000;
    if all.first().is_some_and(|first| first == "--limit-ms") {
        let number = all.get(1).and_then(|text| text.parse().ok());
        let number = number.filter(|number| *number > 0);
        limit_ms = number.ok_or("--limit-ms needs a number of at least 1")?;
        all.drain(..2);
    }
    match all.first().map(String::as_str) {
        None => all = sample(),
        Some("-") => {
            let lines = io::stdin().lines().collect::<Result<_, _>>();
            all = lines.map_err(|error| format!("standard input: {error}"))?;
        }
        Some(option) if option.starts_with("--") => return Err(format!("no option {option}")),
        Some(_) => {}
    }
    Ok((limit_ms, all))
}

fn answer(program: &Program, limit_ms: u64, lines: &[String]) -> Result<(), Box<dyn Error>> {
    let pool = ProcessPool::builder(program)
        .workers(2)
        .initializer::<be_quiet>(())
        .time_limit(Duration::from_millis(limit_ms))
        .memory_limit(512 << 20)
        .capture_stderr()
        .build()?;
    for (line, result) in lines.iter().zip(pool.map::<evaluate>(lines)) {
        match result {
            Ok(value) => println!("{line:.40} = {value}"),
            Err(error) => println!("{line:.40}: {error}"),
        }
    }
    Ok(())
}

pub(crate) fn run(arguments: &[OsString]) -> u8 {
    let program = register![evaluate, be_quiet];
    match settings(arguments).map(|(limit_ms, lines)| answer(&program, limit_ms, &lines)) {
        Ok(Ok(())) => 0,
        Ok(Err(error)) => {
            eprintln!("evaluator: {error}");
            1
        }
        Err(problem) => {
            eprintln!("evaluator: {problem}; {USAGE}");
            2
        }
    }
}

fn main() -> ExitCode {
    run(&env::args_os().skip(1).collect::<Vec<_>>()).into()
}
