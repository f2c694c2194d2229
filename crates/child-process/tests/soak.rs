//! A soak test: random kills, time limits, drops and cancelled futures under full load, for one
//! second or `SOAK_SECONDS`. No result is lost, and nothing is left.
//!
//! It runs twice: in this process, and, if root, as an unprivileged user and the first process of a
//! PID namespace that reuses process ids soon, with occasional shortages of descriptors. The tests
//! run one at a time, since they count what the program holds.

mod support;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command as StdCommand;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use effective_child_process::{Command, Error, Excess, Finished, Input, Many};
use futures::executor::block_on;
use futures::future::{Either, join_all, select};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use support::holdings::{Holdings, zombies};
use support::inside::{Where, is_inside, run_inside};
use support::mark::Mark;
use support::random::Random;
use support::{eventually, sh, within};

fn pause(random: &mut Random, at_most_ms: u64) -> Duration {
    Duration::from_micros(random.below(1000 * at_most_ms))
}

fn command(random: &mut Random, mark: &Mark) -> Command {
    // If no descriptor is available to read `/proc`, a process outside its group is not found.
    let stray = if is_inside() {
        "sleep 30"
    } else {
        "setsid sleep 30"
    };
    let stray = format!("{stray} & sleep 31; :");
    let script = match random.below(12) {
        0 => "kill -KILL $$",
        1 => "sleep 30 & sleep 31; :",
        2 => "trap '' TERM; sleep 30; sleep 31",
        3 => &stray,
        4 => "sleep 0.01; exit 3",
        5 => "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2",
        6 => "cat >/dev/null; echo read",
        7 => "yes",
        _ => "echo done",
    };
    let command = mark
        .on(sh(script))
        .time_limit(Duration::from_millis(20) + pause(random, 60))
        .grace(pause(random, 20))
        .drain(pause(random, 20))
        .capture_at_most(100_000, [Excess::Truncate, Excess::Fail][random.size(2)])
        .kill_leftovers();
    if random.below(2) == 0 {
        command.input(vec![b'x'; random.size(200_000)])
    } else {
        command
    }
}

/// The kind of a result. A result that must not occur fails the soak.
fn kind(result: &Result<Finished, Error>) -> &'static str {
    match result {
        Ok(finished) if finished.success() => "success",
        Ok(finished) if finished.status.code().is_some() => "exit code",
        Ok(_) => "signal",
        Err(Error::TimedOut { .. }) => "timed out",
        Err(Error::TooMuchOutput { .. }) => "too much output",
        Err(Error::NotStarted { .. }) => "not started",
        Err(Error::Start { error, .. } | Error::Watch { error, .. }) if is_shortage(error) => {
            "no descriptor"
        }
        Err(error) => panic!("{error}"),
    }
}

fn is_shortage(error: &std::io::Error) -> bool {
    is_inside() && error.raw_os_error() == Some(Errno::MFILE.raw_os_error())
}

/// A limit on descriptors, until this is dropped.
struct Shortage(Rlimit);

impl Shortage {
    fn leaving(room: u64) -> Self {
        let open = fs::read_dir("/proc/self/fd").expect("/proc").count() as u64;
        let before = getrlimit(Resource::Nofile);
        let lower = Rlimit {
            current: Some(open + room),
            ..before
        };
        setrlimit(Resource::Nofile, lower).expect("a lower limit");
        Self(before)
    }
}

impl Drop for Shortage {
    fn drop(&mut self) {
        setrlimit(Resource::Nofile, self.0).expect("the earlier limit");
    }
}

/// Runs children of the standard library, whose process ids may be reused ones. If one of them is
/// signalled or reaped by this crate, the soak fails.
fn run_std_children(over: &AtomicBool) -> u64 {
    let mut count = 0;
    while !over.load(Ordering::Relaxed) {
        // A spawn fails if no descriptor is available.
        let started: Vec<_> = (0..4)
            .filter_map(|n| StdCommand::new("sleep").arg(format!("0.0{n}")).spawn().ok())
            .collect();
        for mut child in started {
            let status = child.wait().expect("its status is its own");
            assert!(status.success(), "{status}");
            count += 1;
        }
        thread::sleep(Duration::from_millis(2));
    }
    count
}

fn round(random: &mut Random, mark: &Mark, seen: &mut BTreeMap<&'static str, u64>) {
    let seen = RefCell::new(seen);
    let count_up = |kind| *seen.borrow_mut().entry(kind).or_default() += 1;
    let note = |result: &Result<Finished, Error>| count_up(kind(result));
    let short = is_inside() && random.below(3) == 0;
    let _short = short.then(|| Shortage::leaving(random.below(16)));
    let count = 1 + random.size(12);
    let commands: Vec<_> = (0..count).map(|_| command(random, mark)).collect();
    let many = Many::new()
        .limit(NonZeroUsize::new(1 + random.size(8)).expect("one at least"))
        .deadline(pause(random, 400));
    match random.below(7) {
        0 | 1 => {
            let results = many.map(commands);
            assert_eq!(results.len(), count);
            results.iter().for_each(note);
        }
        // Dropped half-way.
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
        5 => commands
            .into_iter()
            .filter_map(|command| use_handle(random, command))
            .for_each(|result| note(&result)),
        _ => {
            for command in commands {
                match read_lines(random, &command) {
                    Some(result) => note(&result),
                    None => count_up("callback panicked"),
                }
            }
        }
    }
}

/// Writes to a child, reads from it, and ends it in one of several ways. `None` if it was dropped.
fn use_handle(random: &mut Random, command: Command) -> Option<Result<Finished, Error>> {
    let mut child = match command.stdin(Input::Pipe).spawn() {
        Ok(child) => child,
        Err(error) => return Some(Err(error)),
    };
    let _ = child.write_timeout("some words\n", pause(random, 5));
    let _ = child.next_line(pause(random, 5));
    match random.below(4) {
        0 => Some(child.kill()),
        1 => {
            child.terminate();
            Some(child.finish())
        }
        2 => Some(block_on(child.finish_async())),
        _ => None,
    }
}

/// Reads the lines of a child. `None` if the callback has panicked, as it does at random.
fn read_lines(random: &mut Random, command: &Command) -> Option<Result<Finished, Error>> {
    let mut lines = 0;
    let last = random.below(4);
    catch_unwind(AssertUnwindSafe(|| {
        command.run_lines(|_| {
            lines += 1;
            if lines == last {
                std::panic::resume_unwind(Box::new("a callback that panics"));
            }
        })
    }))
    .ok()
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
fn soak_loses_and_leaves_nothing() {
    if !is_inside() {
        soak();
    }
}

#[test]
fn soak_loses_and_leaves_nothing_as_pid_one() {
    if is_inside() {
        assert_eq!(std::process::id(), 1);
        return soak();
    }
    let _alone = alone();
    let name = "soak_loses_and_leaves_nothing_as_pid_one";
    run_inside(Where::NobodyAsPidOne, name);
}

/// Ends the thread with the children of the standard library, even if a round panics.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn alone() -> impl Drop {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn soak() {
    let _alone = alone();
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
        let before = Holdings::after(|| {
            block_on(sh("true").run_async()).expect("it runs");
        });
        let (start, mut rounds, mut seen) = (Instant::now(), 0_u64, BTreeMap::new());
        let mut warm = None;
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let std_children = scope.spawn(|| run_std_children(&over));
            let _over = SetOnDrop(&over);
            while start.elapsed() < length {
                round(&mut random, &mark, &mut seen);
                rounds += 1;
                if warm.is_none() && start.elapsed() > length / 4 {
                    warm = Some(resident_kib());
                }
            }
            over.store(true, Ordering::Relaxed);
            let count = std_children.join().expect("none was harmed");
            println!("{count} children of the standard library");
        });
        println!("{rounds} rounds: {seen:?}");
        mark.wait_for(0);
        eventually("all are reaped", || {
            Command::new("true").run().expect("it runs");
            zombies() == 0
        });
        before.wait_until_restored();
        let (warm, end) = (warm.unwrap_or_default(), resident_kib());
        println!("resident: {warm} KiB after a quarter of the time, {end} KiB at the end");
        assert!(
            end < 2 * warm + 20_000,
            "memory grows from {warm} to {end} KiB"
        );
    });
}
