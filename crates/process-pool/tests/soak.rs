//! Full load with random crashes, exits, hangs, panics, cancels, kills, recycling and shutdowns: every accepted job ends
//! exactly once, with its result or its reason. `SOAK_SECONDS` says for how long; a second unless set.

mod common;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use common::{Census, deadline, eventually, quiet_in_workers};
use process_pool::{Handle, JobError, ProcessPool, Program, job, register};

job! {
    fn work(order: Order) -> u64 {
        let (number, kind) = order;
        match kind {
            0..=69 => number + 1,
            70..=79 => { thread::sleep(Duration::from_micros(number % 3_000)); number + 1 }
            80..=84 => { vec![number as u8; (number % 300_000) as usize]; number + 1 }
            85..=87 => panic!("job {number}"),
            88 => std::process::abort(),
            89 => std::process::exit((number % 3) as i32),
            90 => { thread::sleep(Duration::from_secs(600)); 0 }
            91 => { std::process::Command::new("kill").args(["-9", &std::process::id().to_string()]).status().unwrap(); thread::sleep(Duration::from_secs(600)); 0 }
            _ => number + 1,
        }
    }
    fn large(bytes: Vec<u8>) -> Vec<u8> { bytes }
}

type Order = (u64, u8);

/// xorshift: Marsaglia, 2003.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[derive(Default, Debug)]
struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    #[track_caller]
    fn end(&mut self, (number, kind): Order, result: Result<u64, JobError>, may_be_ended: bool) {
        let what = match result {
            Ok(value) => {
                assert_eq!(value, number + 1, "the result of another job");
                assert!(
                    !(85..=91).contains(&kind),
                    "job {number} of kind {kind} cannot have a result"
                );
                "done"
            }
            Err(JobError::Panicked(text)) => {
                assert_eq!(
                    (text, (85..=87).contains(&kind)),
                    (format!("job {number}"), true)
                );
                "panicked"
            }
            Err(JobError::Crashed(crash)) => {
                assert!(
                    matches!(kind, 88 | 89 | 91),
                    "{crash}: job {number} of kind {kind}"
                );
                "crashed"
            }
            Err(JobError::TimedOut(_)) => {
                // On a busy machine anything may take that long.
                "timed out"
            }
            Err(JobError::Killed) if may_be_ended => "killed",
            Err(JobError::Cancelled) if may_be_ended => "cancelled",
            Err(other) => panic!("job {number} of kind {kind}: {other}"),
        };
        self.count(what);
    }
}

fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

fn pool(program: &Program, dice: &mut Dice) -> ProcessPool {
    let mut builder = ProcessPool::builder(program)
        .workers(1 + dice.roll(4) as usize)
        .time_limit(Duration::from_millis(150));
    if dice.roll(2) == 0 {
        builder = builder.recycle_after_jobs(1 + dice.roll(50));
    }
    if dice.roll(3) == 0 {
        builder = builder.capture_stderr();
    }
    builder.build().unwrap()
}

fn round(program: &Program, dice: &mut Dice, tally: &mut Tally, next: &mut u64) {
    let pool = pool(program, dice);
    let mut handles: Vec<(Order, Handle<u64>)> = Vec::new();
    for _ in 0..dice.roll(200) {
        *next += 1;
        let order = (*next, dice.roll(100) as u8);
        handles.push((order, pool.submit::<work>(order).unwrap()));
        tally.count("accepted");
    }
    let ended_early = match dice.roll(4) {
        0 => {
            let orders: Vec<Order> = (0..dice.roll(200))
                .map(|at| (1_000_000_000 + at, dice.roll(100) as u8))
                .collect();
            for (order, result) in orders.iter().zip(pool.map::<work>(&orders)) {
                tally.count("accepted");
                tally.end(*order, result, false);
            }
            false
        }
        1 => {
            let bytes: Vec<u8> = (0..dice.roll(200_000)).map(|at| at as u8).collect();
            match pool.submit::<large>(&bytes).unwrap().wait() {
                Ok(back) => assert!(back == bytes),
                // On a busy machine this may take longer than the limit, too.
                Err(JobError::TimedOut(_)) => {}
                Err(other) => panic!("a large job: {other}"),
            }
            false
        }
        2 => {
            for (_, handle) in &handles {
                match dice.roll(6) {
                    0 => drop(handle.cancel()),
                    1 => drop(handle.kill()),
                    _ => {}
                }
            }
            true
        }
        _ => false,
    };
    let at_once = dice.roll(3) == 0;
    if at_once {
        thread::sleep(Duration::from_millis(dice.roll(30)));
        pool.shutdown_now();
    } else if dice.roll(2) == 0 {
        pool.shutdown();
    }
    for (order, handle) in handles {
        tally.end(order, handle.wait(), at_once || ended_early);
    }
}

#[test]
fn every_accepted_job_ends_once_with_its_result_or_its_reason() {
    quiet_in_workers();
    let program = register![work, large];
    let seconds = env::var("SOAK_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    let _deadline = deadline(seconds + 120);
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ u64::from(std::process::id()));
    let (mut tally, mut next) = (Tally::default(), 0);
    let (before, threads) = (
        Census::take(),
        fs::read_dir("/proc/self/task").unwrap().count(),
    );
    // Everything has been allocated once.
    for _ in 0..3 {
        round(&program, &mut dice, &mut tally, &mut next);
    }
    let warm = resident();
    let (start, mut rounds) = (Instant::now(), 3);
    while start.elapsed() < Duration::from_secs(seconds) {
        round(&program, &mut dice, &mut tally, &mut next);
        rounds += 1;
    }
    before.assert_back();
    eventually("the threads are gone", || {
        fs::read_dir("/proc/self/task").unwrap().count() <= threads
    });
    let grown = resident().saturating_sub(warm);
    println!(
        "{rounds} pools: {:?}; {} KiB more resident",
        tally.0,
        grown / 1024
    );
    let accepted = tally.0.remove("accepted").unwrap_or(0);
    assert_eq!(tally.0.values().sum::<u64>(), accepted);
    assert!(grown < 64 << 20, "{grown} bytes more than after warming up");
}
