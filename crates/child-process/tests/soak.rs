//! Full load with random kills, time limits, drops and cancelled futures, for a second or as long as `SOAK_SECONDS` says.
//! Nothing is lost, nobody is left. One test to the file, since it counts what the program holds.

mod support;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use child_process::{Command, Error, Excess, Finished, Input, Many};
use futures::executor::block_on;
use futures::future::{Either, join_all, select};
use support::{Holdings, Mark, sh, within};

/// Xorshift, with the clock as its seed: each run is another one, and says which.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn pause(&mut self, at_most_ms: u64) -> Duration {
        Duration::from_micros(self.below(1000 * at_most_ms))
    }
}

fn command(random: &mut Random, mark: &Mark) -> Command {
    let script = match random.below(12) {
        0 => "kill -KILL $$",
        1 => "sleep 30 & sleep 31; :",
        2 => "trap '' TERM; sleep 30; sleep 31",
        3 => "setsid sleep 30 & sleep 31; :",
        4 => "sleep 0.01; exit 3",
        5 => "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2",
        6 => "cat >/dev/null; echo read",
        7 => "yes",
        _ => "echo done",
    };
    let command = mark
        .on(sh(script))
        .timeout(Duration::from_millis(20) + random.pause(60))
        .grace(random.pause(20))
        .drain(random.pause(20))
        .capture_at_most(
            100_000,
            [Excess::Truncate, Excess::Fail][random.below(2) as usize],
        )
        .end_leftovers();
    if random.below(2) == 0 {
        command.input(vec![b'x'; random.below(200_000) as usize])
    } else {
        command
    }
}

/// What may become of a command; anything else fails the soak.
fn kind(result: &Result<Finished, Error>) -> &'static str {
    match result {
        Ok(finished) if finished.success() => "success",
        Ok(finished) if finished.status.code().is_some() => "exit code",
        Ok(_) => "signal",
        Err(Error::TimedOut { .. }) => "timed out",
        Err(Error::TooMuchOutput { .. }) => "too much output",
        Err(Error::NotStarted { .. }) => "not started",
        Err(error) => panic!("{error}"),
    }
}

fn round(random: &mut Random, mark: &Mark, seen: &mut BTreeMap<&'static str, u64>) {
    let seen = RefCell::new(seen);
    let count_up = |kind| *seen.borrow_mut().entry(kind).or_default() += 1;
    let note = |result: &Result<Finished, Error>| count_up(kind(result));
    let count = 1 + random.below(12) as usize;
    let commands: Vec<_> = (0..count).map(|_| command(random, mark)).collect();
    let many = Many::new()
        .limit(NonZeroUsize::new(1 + random.below(8) as usize).expect("one at least"))
        .deadline(random.pause(400));
    match random.below(7) {
        0 | 1 => {
            let results = many.map(commands);
            assert_eq!(results.len(), count);
            results.iter().for_each(note);
        }
        // Cut off in the middle.
        2 => many
            .as_completed(commands)
            .take(count / 2)
            .for_each(|(_, result)| note(&result)),
        3 => {
            let all = join_all(commands.iter().map(Command::run_async));
            block_on(all).iter().for_each(note);
        }
        4 => {
            let all = join_all(commands.iter().map(Command::run_async));
            let other = sh("sleep 0.02").run_async();
            match block_on(select(all, other)) {
                Either::Left((results, _)) => results.iter().for_each(note),
                Either::Right((result, all)) => {
                    note(&result);
                    drop(all);
                }
            }
        }
        5 => {
            for command in commands {
                let mut child = command.stdin(Input::Pipe).spawn().expect("it starts");
                let _ = child.write_timeout("some words\n", random.pause(5));
                let _ = child.next_line(random.pause(5));
                match random.below(4) {
                    0 => note(&child.kill()),
                    1 => {
                        child.terminate();
                        note(&child.finish());
                    }
                    2 => note(&block_on(child.finish_async())),
                    _ => drop(child),
                }
            }
        }
        _ => {
            for command in commands {
                let mut lines = 0;
                let bomb = random.below(4);
                let ended = catch_unwind(AssertUnwindSafe(|| {
                    command.run_lines(|_| {
                        lines += 1;
                        if lines == bomb {
                            std::panic::resume_unwind(Box::new("a callback that panics"));
                        }
                    })
                }));
                match ended {
                    Ok(result) => note(&result),
                    Err(_) => count_up("callback panicked"),
                }
            }
        }
    }
}

fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("VmRSS");
    line.split_ascii_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse().ok())
        .expect("a number")
}

#[test]
fn nothing_is_lost_and_nobody_left_under_full_load() {
    let seconds = env::var("SOAK_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    let length = Duration::from_secs(seconds);
    within(length + Duration::from_secs(60), move || {
        let now = std::time::UNIX_EPOCH.elapsed().expect("a clock").as_nanos() as u64;
        let mut random = Random(now | 1);
        println!("seed {}", random.0);
        let mark = Mark::new();
        block_on(sh("true").run_async()).expect("it runs");
        let mut before = Holdings::now();
        before.threads -= 1;
        let (start, mut rounds, mut seen) = (Instant::now(), 0_u64, BTreeMap::new());
        let mut warm = None;
        while start.elapsed() < length {
            round(&mut random, &mark, &mut seen);
            rounds += 1;
            if warm.is_none() && start.elapsed() > length / 4 {
                warm = Some(resident_kib());
            }
        }
        println!("{rounds} rounds: {seen:?}");
        mark.wait_for(0);
        before.are_back();
        let (warm, end) = (warm.unwrap_or_default(), resident_kib());
        println!("resident: {warm} KiB after a quarter of the time, {end} KiB at the end");
        assert!(
            end < 2 * warm + 20_000,
            "memory grows from {warm} to {end} KiB"
        );
    });
}
