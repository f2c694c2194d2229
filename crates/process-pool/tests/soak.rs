//! A soak test: full load with random crashes, exits, hangs, panics, cancels, kills, recycling and
//! shutdowns. Every accepted job ends exactly once, with its result or its reason. `SOAK_SECONDS`
//! sets the duration; the default is one second.
//!
//! Repeated as an unprivileged user, and as PID 1 of a namespace, with a temporary shortage of
//! descriptors.

mod support;

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use effective_process_pool::{
    Buffer, BuildError, Handle, Job, JobError, ProcessPool, Program, SubmitError, job, register,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use support::checks::{
    Resources, alone, deadline, eventually, pool_threads, processes, quiet_in_workers,
};
use support::rerun::{AS_PID_1, as_lone_user, is_inner, passes_within};

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
            91 => {
                let me = std::process::id().to_string();
                std::process::Command::new("kill").args(["-9", &me]).status().unwrap();
                thread::sleep(Duration::from_secs(600));
                0
            }
            _ => number + 1,
        }
    }
    fn large(bytes: Vec<u8>) -> Vec<u8> { bytes }
    fn share(buffers: Vec<Buffer>) -> Vec<Buffer> { buffers }
}

type Order = (u64, u8);

/// Whether this process is sometimes short of descriptors.
static IS_SHORT: AtomicBool = AtomicBool::new(false);

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
            Err(JobError::Panicked(panic)) => {
                assert_eq!(panic.message(), format!("job {number}"));
                assert!((85..=87).contains(&kind), "kind {kind} does not panic");
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
                // On a busy machine any job may take that long.
                "timed out"
            }
            Err(JobError::Transport(error)) if is_shortage(&error) => "not transported",
            Err(JobError::Killed) if may_be_ended => "killed",
            Err(JobError::Cancelled) if may_be_ended => "cancelled",
            Err(other) => panic!("job {number} of kind {kind}: {other}"),
        };
        self.count(what);
    }
}

/// Whether the error is the shortage that this test creates.
fn is_shortage(error: &io::Error) -> bool {
    let shortages = [libc::EMFILE, libc::ENFILE, libc::ETOOMANYREFS];
    IS_SHORT.load(Ordering::Relaxed)
        && error
            .raw_os_error()
            .is_some_and(|number| shortages.contains(&number))
}

fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

fn pool(program: &Program, dice: &mut Dice) -> Option<ProcessPool> {
    let mut builder = ProcessPool::builder(program)
        .workers(1 + dice.roll(4) as usize)
        .time_limit(Duration::from_millis(150));
    if dice.roll(2) == 0 {
        builder = builder.recycle_after_jobs(1 + dice.roll(50) as usize);
    }
    if dice.roll(3) == 0 {
        builder = builder.capture_stderr();
    }
    match builder.build() {
        Ok(pool) => Some(pool),
        Err(BuildError::System(error)) if is_shortage(&error) => None,
        Err(error) => panic!("{error}"),
    }
}

/// Submits a job, unless there is no descriptor for its input.
fn submit<J: Job>(pool: &ProcessPool, input: &J::Input) -> Option<Handle<J::Output>> {
    match pool.submit::<J>(input) {
        Ok(handle) => Some(handle),
        Err(SubmitError::Memory(error)) if is_shortage(&error) => None,
        Err(error) => panic!("{error}"),
    }
}

fn round(program: &Program, dice: &mut Dice, tally: &mut Tally, next: &mut u64) {
    let Some(pool) = pool(program, dice) else {
        return;
    };
    let mut handles: Vec<(Order, Handle<u64>)> = Vec::new();
    for _ in 0..dice.roll(200) {
        *next += 1;
        let order = (*next, dice.roll(100) as u8);
        handles.extend(submit::<work>(&pool, &order).map(|handle| (order, handle)));
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
            match submit::<large>(&pool, &bytes).map(Handle::wait) {
                None => {}
                Some(Ok(back)) => assert!(back == bytes),
                // On a busy machine this too may take longer than the limit.
                Some(Err(JobError::TimedOut(_))) => {}
                Some(Err(JobError::Transport(error))) if is_shortage(&error) => {}
                Some(Err(other)) => panic!("a large job: {other}"),
            }
            share_buffers(&pool, dice);
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

/// Sends more descriptors than may be in flight, where this user has a limit.
fn share_buffers(pool: &ProcessPool, dice: &mut Dice) {
    let buffers = (0..dice.roll(8)).map(|_| Buffer::new(100));
    let Ok(buffers) = buffers.collect::<io::Result<Vec<_>>>() else {
        assert!(IS_SHORT.load(Ordering::Relaxed));
        return;
    };
    let handles: Vec<_> = (0..dice.roll(40))
        .filter_map(|_| submit::<share>(pool, &buffers))
        .collect();
    for handle in handles {
        match handle.wait() {
            Ok(back) => assert_eq!(back.len(), buffers.len()),
            Err(JobError::TimedOut(_)) => {}
            Err(JobError::Transport(error)) if is_shortage(&error) => {}
            Err(other) => panic!("{} buffers: {other}", buffers.len()),
        }
    }
}

fn seconds() -> u64 {
    let seconds = env::var("SOAK_SECONDS").ok();
    seconds.and_then(|text| text.parse().ok()).unwrap_or(1)
}

#[test]
fn every_accepted_job_ends_once() {
    quiet_in_workers();
    let program = register![work, large, share];
    if is_inner() {
        return;
    }
    let _exclusive = alone();
    let _deadline = deadline(seconds() + 120);
    soak(&program);
}

fn soak(program: &Program) {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ u64::from(std::process::id()));
    let (mut tally, mut next) = (Tally::default(), 0);
    let before = Resources::count();
    // Everything has been allocated once.
    for _ in 0..3 {
        round(program, &mut dice, &mut tally, &mut next);
    }
    let warm = resident();
    let (start, mut rounds) = (Instant::now(), 3);
    while start.elapsed() < Duration::from_secs(seconds()) {
        let is_short = IS_SHORT.load(Ordering::Relaxed);
        if is_short && dice.roll(2) == 0 {
            // The program has no descriptor left for a moment.
            let (files, pause) = (hoard(), dice.roll(80));
            let giving_back = thread::spawn(move || {
                thread::sleep(Duration::from_millis(pause));
                drop(files);
            });
            round(program, &mut dice, &mut tally, &mut next);
            giving_back.join().unwrap();
        } else {
            round(program, &mut dice, &mut tally, &mut next);
        }
        rounds += 1;
    }
    before.assert_restored();
    eventually("the pool's threads are gone", || pool_threads() == 0);
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

/// Takes all free descriptors but a few that the test itself needs.
fn hoard() -> Vec<File> {
    let mut files: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    files.truncate(files.len().saturating_sub(1));
    files
}

fn hard_times(name: &str, launcher: &[&str]) {
    quiet_in_workers();
    let program = register![work, large, share];
    if !is_inner() {
        let limit = Duration::from_secs(seconds() + 120);
        if let Some(output) = passes_within(name, launcher, limit) {
            print!("{output}");
        }
        return;
    }
    let _deadline = deadline(seconds() + 110);
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = Some(200);
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
    IS_SHORT.store(true, Ordering::Relaxed);
    soak(&program);
    let me = std::process::id() as i32;
    if me == 1 {
        let is_zombie = |&(_, parent, state): &(i32, i32, char)| parent == me && state == 'Z';
        assert_eq!(
            processes()
                .iter()
                .filter(|process| is_zombie(process))
                .count(),
            0
        );
    }
}

#[test]
fn jobs_end_once_as_lone_user_with_few_descriptors() {
    hard_times(
        "jobs_end_once_as_lone_user_with_few_descriptors",
        as_lone_user(),
    );
}

#[test]
fn jobs_end_once_as_pid_1_with_few_descriptors() {
    hard_times("jobs_end_once_as_pid_1_with_few_descriptors", AS_PID_1);
}
