//! The faults that a pool has to survive, with real processes. Each is looped, and each must leave descriptors, children,
//! threads and shared memory as they were.

#![allow(
    clippy::zombie_processes,
    reason = "grandchildren are left behind on purpose"
)]

mod common;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio, abort, exit};
use std::thread;
use std::time::{Duration, Instant};

use common::{Census, alone, deadline, eventually, lives};
use process_pool::{
    Broken, Exit, Handle, JobError, ProcessPool, Program, SubmitError, job, register,
};
use serde::de::Error as _;
use serde::ser::{Error as _, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

job! {
    fn double(number: u64) -> u64 { 2 * number }
    fn nap(milliseconds: u64) -> u64 {
        thread::sleep(Duration::from_millis(milliseconds));
        milliseconds
    }
    fn pid() -> i32 { std::process::id() as i32 }
    fn kill_myself(signal: i32) -> u64 {
        Command::new("kill").args([format!("-{signal}"), std::process::id().to_string()]).status().unwrap();
        thread::sleep(Duration::from_secs(600));
        0
    }
    fn exit_with(code: i32) -> u64 { exit(code) }
    fn abort_now() -> u64 { abort() }
    fn overflow_the_stack(depth: u64) -> u64 { deeper(depth) }
    fn take_memory(bytes: usize) -> usize { vec![1_u8; bytes].len() }
    fn panics(text: String) -> u64 { panic!("{text}") }
    fn picky(input: Picky) -> Picky { input }
    fn no_output(number: u64) -> Unspeakable { Unspeakable(number) }
    fn garbled(number: u64) -> Garbled { Garbled(number) }
    fn killed_while_it_writes(bytes: usize) -> Slow { Slow(bytes) }
    fn prints(text: String) -> usize {
        print!("{text}");
        println!("{text}");
        eprintln!("{text}");
        std::io::stdout().flush().unwrap();
        text.len()
    }
    fn leaves_a_grandchild_and_dies() -> u64 {
        // It inherits all that can be inherited, standard error's pipe among it.
        let grandchild = Command::new("sleep").arg("600").stdin(Stdio::inherit()).spawn().unwrap();
        fs::write(std::env::temp_dir().join(format!("process-pool-{}", std::process::id())), grandchild.id().to_string()).unwrap();
        exit(3)
    }
    fn starts_a_grandchild_and_hangs() -> i32 {
        Command::new("sleep").arg("600").spawn().unwrap();
        thread::sleep(Duration::from_secs(600));
        0
    }
    fn at_most_so_many(limit: u32) -> u32 { SEEN.with(|seen| { seen.set(seen.get() + 1); assert!(seen.get() <= limit); seen.get() }) }
    fn grow(bytes: usize) -> usize { HOARD.with_borrow_mut(|hoard| { hoard.push(vec![1; bytes]); hoard.len() }) }
    fn fails_to_start() { exit(9) }
    fn panics_at_start() { panic!("no licence") }
    fn write_over_the_rings(kind: u8) -> u64 { corrupt(kind) }
}

thread_local! {
    static SEEN: Cell<u32> = const { Cell::new(0) };
    static HOARD: std::cell::RefCell<Vec<Vec<u8>>> = const { std::cell::RefCell::new(Vec::new()) };
}

#[expect(unconditional_recursion, reason = "so it overflows")]
fn deeper(depth: u64) -> u64 {
    let space = [depth; 64];
    std::hint::black_box(&space);
    deeper(depth + 1) + space[7]
}

/// Refuses 1 on the way there and 2 on the way back.
#[derive(Debug)]
struct Picky(u8);

impl Serialize for Picky {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            1 => Err(S::Error::custom("not this one")),
            value => value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Picky {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u8::deserialize(deserializer)? {
            2 => Err(D::Error::custom("nor this one")),
            value => Ok(Self(value)),
        }
    }
}

/// A sequence of unknown length, which the format cannot write.
#[derive(Debug, Deserialize)]
struct Unspeakable(u64);

impl Serialize for Unspeakable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(None)?;
        sequence.serialize_element(&self.0)?;
        sequence.end()
    }
}

/// Written as a number and read as a text.
#[derive(Debug, Serialize)]
struct Garbled(u64);

impl<'de> Deserialize<'de> for Garbled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <(String, String)>::deserialize(deserializer).map(|_| Self(0))
    }
}

/// So many bytes, of which the second half is never written: the process is killed in between.
#[derive(Debug, Deserialize)]
struct Slow(usize);

impl Serialize for Slow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.0))?;
        for at in 0..self.0 {
            if at == self.0 / 2 {
                kill_myself(9);
            }
            sequence.serialize_element(&(at as u8))?;
        }
        sequence.end()
    }
}

/// Writes over the memory that is shared with the parent, as a job with a wild pointer might.
fn corrupt(kind: u8) -> u64 {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let line = maps
        .lines()
        .find(|line| line.contains("memfd:process-pool "))
        .unwrap();
    let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
    let number = |text| u64::from_str_radix(text, 16).unwrap();
    let (start, end) = (number(start), number(end));
    let memory = fs::OpenOptions::new()
        .write(true)
        .open("/proc/self/mem")
        .unwrap();
    let bytes = match kind {
        0 => vec![0xff; (end - start) as usize],
        1 => vec![0; (end - start) as usize],
        _ => (0..end - start)
            .map(|at| (at * 7 + at / 3 + u64::from(kind)) as u8 % 6)
            .collect(),
    };
    use std::os::unix::fs::FileExt;
    memory.write_all_at(&bytes, start).unwrap();
    5
}

fn program() -> Program {
    register![
        double,
        nap,
        pid,
        kill_myself,
        exit_with,
        abort_now,
        overflow_the_stack,
        take_memory,
        panics,
        picky,
        no_output,
        garbled,
        killed_while_it_writes,
        prints,
        leaves_a_grandchild_and_dies,
        starts_a_grandchild_and_hangs,
        at_most_so_many,
        grow,
        fails_to_start,
        panics_at_start,
        write_over_the_rings,
        exits_sometimes,
    ]
}

/// The jobs before and after the one that fails.
fn neighbours(pool: &ProcessPool) -> Vec<Handle<u64>> {
    (0..40)
        .map(|number| pool.submit::<double>(number).unwrap())
        .collect()
}

#[track_caller]
fn all_done(handles: Vec<Handle<u64>>) {
    for (number, handle) in handles.into_iter().enumerate() {
        assert_eq!(handle.wait().unwrap(), 2 * number as u64);
    }
}

#[track_caller]
fn crash<T: std::fmt::Debug>(result: Result<T, JobError>) -> process_pool::Crash {
    match result {
        Err(JobError::Crashed(crash)) => crash,
        other => panic!("not a crash: {other:?}"),
    }
}

#[test]
fn fault_13_a_worker_killed_in_mid_job_fails_that_job_alone_and_names_the_signal() {
    let program = program();
    let (_deadline, _turn) = (deadline(120), alone());
    let before = Census::take();
    for workers in [1, 2, 2, 3] {
        let pool = ProcessPool::new(&program, workers).unwrap();
        let first = neighbours(&pool);
        let killed: Vec<_> = (0..3)
            .map(|_| pool.submit::<kill_myself>(9).unwrap())
            .collect();
        let last = neighbours(&pool);
        for handle in killed {
            let crash = crash(handle.wait());
            assert_eq!(crash.exit(), Exit::Signal(9));
            assert_eq!(
                crash.to_string(),
                "the worker was ended by signal 9 (SIGKILL) in the middle of the job"
            );
        }
        all_done(first);
        all_done(last);
    }
    before.assert_back();
}

#[test]
fn fault_13_a_worker_killed_in_the_middle_of_a_chunk_fails_that_input_alone() {
    let program = program();
    let (_deadline, _turn) = (deadline(120), alone());
    let before = Census::take();
    for workers in [1, 3] {
        let pool = ProcessPool::new(&program, workers).unwrap();
        let inputs: Vec<i32> = (0..200)
            .map(|place| if place % 50 == 20 { 9 } else { 0 })
            .collect();
        // Signal 0 is none: that job naps, and is killed by the limit.
        let results = pool
            .mapping()
            .time_limit(Duration::from_millis(700))
            .chunk_size(10.try_into().unwrap())
            .run::<kill_myself>(&inputs[15..25]);
        for (place, result) in results.into_iter().enumerate() {
            match place {
                5 => assert_eq!(crash(result).exit(), Exit::Signal(9)),
                _ => assert!(
                    matches!(result, Err(JobError::TimedOut(_))),
                    "{place}: {result:?}"
                ),
            }
        }
        // And where the others end by themselves, each result is there.
        let results = pool.map::<exits_sometimes>(0..500);
        for (place, result) in results.into_iter().enumerate() {
            match place % 100 {
                77 => assert_eq!(crash(result).exit(), Exit::Code(0)),
                _ => assert_eq!(result.unwrap(), 3 * place as u64),
            }
        }
    }
    before.assert_back();
}

job! {
    fn exits_sometimes(number: u64) -> u64 { if number % 100 == 77 { exit(0) } else { 3 * number } }
}

#[test]
fn fault_14_a_worker_that_exits_with_0_in_mid_job_is_no_success() {
    let program = program();
    let (_deadline, _turn) = (deadline(120), alone());
    let before = Census::take();
    for _ in 0..5 {
        let pool = ProcessPool::new(&program, 2).unwrap();
        let failed = pool.submit::<exit_with>(0).unwrap();
        let others = neighbours(&pool);
        assert_eq!(crash(failed.wait()).exit(), Exit::Code(0));
        assert_eq!(
            crash(pool.submit::<exit_with>(7).unwrap().wait()).exit(),
            Exit::Code(7)
        );
        all_done(others);
    }
    before.assert_back();
}

#[test]
#[cfg_attr(
    address_sanitizer,
    ignore = "AddressSanitizer handles these signals and reserves memory itself"
)]
fn fault_15_stack_overflow_abort_and_memory_exhaustion_name_the_signal_and_the_last_line() {
    let program = program();
    let (_deadline, _turn) = (deadline(120), alone());
    let before = Census::take();
    for _ in 0..2 {
        let pool = ProcessPool::builder(&program)
            .workers(2)
            .memory_limit(256 << 20)
            .capture_stderr()
            .build()
            .unwrap();
        let others = neighbours(&pool);
        let overflow = crash(pool.submit::<overflow_the_stack>(0).unwrap().wait());
        assert_eq!(overflow.exit(), Exit::Signal(6));
        assert!(
            overflow.last_line().unwrap().contains("stack overflow"),
            "{overflow}"
        );
        let aborted = crash(pool.submit::<abort_now>(()).unwrap().wait());
        assert_eq!(
            (aborted.exit(), aborted.last_line()),
            (Exit::Signal(6), None)
        );
        let memory = crash(pool.submit::<take_memory>(1 << 30).unwrap().wait());
        assert_eq!(memory.exit(), Exit::Signal(6));
        assert!(
            memory
                .last_line()
                .unwrap()
                .contains("memory allocation of 1073741824 bytes failed"),
            "{memory}"
        );
        assert_eq!(
            pool.submit::<take_memory>(1 << 20).unwrap().wait().unwrap(),
            1 << 20
        );
        all_done(others);
    }
    before.assert_back();
}

#[test]
fn fault_16_an_argument_that_cannot_be_serialised_is_the_callers_error() {
    let program = program();
    let (_deadline, _turn) = (deadline(120), alone());
    let before = Census::take();
    let pool = ProcessPool::new(&program, 1).unwrap();
    let worker = pool.submit::<pid>(()).unwrap().wait().unwrap();
    for _ in 0..100 {
        let error = pool.submit::<picky>(Picky(1)).unwrap_err();
        assert!(matches!(error, SubmitError::Input(_)), "{error}");
    }
    let results = pool.map::<picky>([Picky(0), Picky(1), Picky(3)]);
    assert!(
        matches!(&results[..], [Ok(_), Err(JobError::Input(_)), Ok(_)]),
        "{results:?}"
    );
    assert_eq!(pool.submit::<pid>(()).unwrap().wait().unwrap(), worker);
    drop(pool);
    before.assert_back();
}

#[test]
fn fault_17_a_result_that_cannot_be_serialised_or_decoded_is_that_jobs_error() {
    let program = program();
    let (_deadline, _turn) = (deadline(120), alone());
    let before = Census::take();
    let pool = ProcessPool::new(&program, 1).unwrap();
    let worker = pool.submit::<pid>(()).unwrap().wait().unwrap();
    for _ in 0..100 {
        let (lost, garbled) = (
            pool.submit::<no_output>(1).unwrap(),
            pool.submit::<garbled>(200).unwrap(),
        );
        let picky = pool.submit::<picky>(Picky(2)).unwrap();
        let panics = pool.submit::<panics>("one\ntwo".to_owned()).unwrap();
        let others = neighbours(&pool);
        let error = lost.wait().unwrap_err();
        assert!(
            matches!(&error, JobError::Output(why) if why.contains("length")),
            "{error}"
        );
        assert!(matches!(garbled.wait().unwrap_err(), JobError::Output(_)));
        assert!(matches!(picky.wait().unwrap_err(), JobError::Input(_)));
        assert!(
            matches!(panics.wait().unwrap_err(), JobError::Panicked(text) if text == "one\ntwo")
        );
        all_done(others);
    }
    assert_eq!(pool.submit::<pid>(()).unwrap().wait().unwrap(), worker);
    drop(pool);
    before.assert_back();
}

#[test]
fn fault_18_killed_half_way_through_a_large_result_neither_hangs_nor_misframes() {
    let program = program();
    let (_deadline, _turn) = (deadline(120), alone());
    let before = Census::take();
    let pool = ProcessPool::new(&program, 2).unwrap();
    for _ in 0..10 {
        let killed = pool.submit::<killed_while_it_writes>(3 << 20).unwrap();
        let others = neighbours(&pool);
        assert_eq!(crash(killed.wait()).exit(), Exit::Signal(9));
        all_done(others);
    }
    drop(pool);
    before.assert_back();
}

#[test]
fn fault_19_a_job_that_prints_harms_nothing_and_the_output_is_the_users() {
    let program = program();
    // A test in the role of the program: the output of its jobs is its own.
    if std::env::var_os("PROCESS_POOL_TEST_PRINTS").is_some() {
        let pool = ProcessPool::new(&program, 2).unwrap();
        let text = "\0\u{1}printed by a job\u{7f}";
        for _ in 0..20 {
            assert_eq!(
                pool.submit::<prints>(text.to_owned())
                    .unwrap()
                    .wait()
                    .unwrap(),
                text.len()
            );
        }
        return;
    }
    let (_deadline, _turn) = (deadline(120), alone());
    let name = "fault_19_a_job_that_prints_harms_nothing_and_the_output_is_the_users";
    let output = Command::new("/proc/self/exe")
        .args([name, "--exact", "--nocapture"])
        .env("PROCESS_POOL_TEST_PRINTS", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(stdout.matches("printed by a job").count(), 40, "{stdout}");
    // libtest's greetings in the workers are not.
    assert_eq!(stdout.matches("running 1 test").count(), 1, "{stdout}");
}

#[track_caller]
fn broken<T: std::fmt::Debug>(result: Result<T, JobError>) -> Broken {
    match result {
        Err(JobError::Broken(broken)) => broken,
        other => panic!("not broken: {other:?}"),
    }
}

#[test]
fn fault_20_workers_that_die_at_start_break_the_pool_after_a_bounded_number_of_tries() {
    let program = program();
    let (_deadline, _turn) = (deadline(120), alone());
    let before = Census::take();
    for workers in [1, 4] {
        let pool = ProcessPool::builder(&program)
            .workers(workers)
            .initializer::<fails_to_start>(())
            .build()
            .unwrap();
        let handles: Vec<_> = (0..20)
            .filter_map(|number| pool.submit::<double>(number).ok())
            .collect();
        for handle in handles {
            let broken = broken(handle.wait());
            assert!(broken.tries() <= 8, "{broken}");
            assert!(broken.why().starts_with("exited with code 9"), "{broken}");
        }
        eventually("the pool is broken", || {
            matches!(pool.submit::<double>(1), Err(SubmitError::Broken(_)))
        });
        assert!(
            pool.map::<double>([1, 2])
                .into_iter()
                .all(|result| broken(result).tries() <= 8)
        );
        drop(pool);

        let pool = ProcessPool::builder(&program)
            .workers(workers)
            .initializer::<panics_at_start>(())
            .build()
            .unwrap();
        eventually("the pool is broken", || match pool.submit::<double>(1) {
            Err(SubmitError::Broken(broken)) => {
                broken.why().ends_with("which panicked: no licence")
            }
            _ => false,
        });
    }
    before.assert_back();
}

#[test]
fn fault_21_recycling_after_2_jobs_with_1_worker_finishes_all_10() {
    let program = program();
    let (_deadline, _turn) = (deadline(120), alone());
    let before = Census::take();
    for round in 0..5 {
        let pool = ProcessPool::builder(&program)
            .workers(1)
            .recycle_after_jobs(2)
            .build()
            .unwrap();
        let mut results: Vec<u32> = if round % 2 == 0 {
            let handles: Vec<_> = (0..10)
                .map(|_| pool.submit::<at_most_so_many>(2).unwrap())
                .collect();
            handles
                .into_iter()
                .map(|handle| handle.wait().unwrap())
                .collect()
        } else {
            let chunks = pool.mapping().chunk_size(5.try_into().unwrap());
            chunks
                .run::<at_most_so_many>([2; 10])
                .into_iter()
                .map(Result::unwrap)
                .collect()
        };
        // What is left of a chunk may run before or after the next one.
        results.sort_unstable();
        assert_eq!(results, [1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
        let pool = ProcessPool::builder(&program)
            .workers(1)
            .recycle_above_memory(100 << 20)
            .build()
            .unwrap();
        let sizes: Vec<usize> = (0..6)
            .map(|_| pool.submit::<grow>(40 << 20).unwrap().wait().unwrap())
            .collect();
        assert!(
            sizes.iter().all(|&size| size <= 3) && sizes.contains(&2),
            "{sizes:?}"
        );
    }
    before.assert_back();
}

#[test]
fn fault_22_recycling_that_meets_a_shutdown_strands_no_job() {
    let program = program();
    let (_deadline, _turn) = (deadline(120), alone());
    let before = Census::take();
    for round in 0..20 {
        let pool = ProcessPool::builder(&program)
            .workers(2)
            .recycle_after_jobs(1)
            .build()
            .unwrap();
        let handles: Vec<_> = (0..12)
            .map(|number| pool.submit::<double>(number).unwrap())
            .collect();
        thread::sleep(Duration::from_millis(round));
        if round % 2 == 0 {
            pool.shutdown();
            for (number, handle) in handles.into_iter().enumerate() {
                assert_eq!(handle.wait().unwrap(), 2 * number as u64);
            }
        } else {
            pool.shutdown_now();
            for (number, handle) in handles.into_iter().enumerate() {
                match handle.wait() {
                    Ok(value) => assert_eq!(value, 2 * number as u64),
                    Err(JobError::Killed | JobError::Cancelled) => {}
                    Err(other) => panic!("{other}"),
                }
            }
        }
    }
    before.assert_back();
}

#[test]
fn fault_23_a_job_past_its_time_limit_costs_its_worker_and_no_neighbour() {
    let program = program();
    let (_deadline, _turn) = (deadline(120), alone());
    let before = Census::take();
    let pool = ProcessPool::builder(&program)
        .workers(2)
        .time_limit(Duration::from_millis(200))
        .build()
        .unwrap();
    for _ in 0..5 {
        let slow = pool.submit::<nap>(60_000).unwrap();
        let mixed = pool.submit::<starts_a_grandchild_and_hangs>(()).unwrap();
        let others = neighbours(&pool);
        assert!(
            matches!(slow.wait(), Err(JobError::TimedOut(limit)) if limit == Duration::from_millis(200))
        );
        assert!(matches!(mixed.wait(), Err(JobError::TimedOut(_))));
        all_done(others);
        let results = pool.map::<nap>([1, 60_000, 2, 3]);
        assert!(
            matches!(
                &results[..],
                [Ok(1), Err(JobError::TimedOut(_)), Ok(2), Ok(3)]
            ),
            "{results:?}"
        );
    }
    assert_eq!(
        pool.submission()
            .time_limit(Duration::from_secs(60))
            .submit::<nap>(500)
            .unwrap()
            .wait()
            .unwrap(),
        500
    );
    drop(pool);
    before.assert_back();
    // With the workers went what their jobs had started.
    eventually("no grandchild lives", || sleepers() == 0);
}

/// How many processes sleep for ten minutes, as only the jobs of this file do.
fn sleepers() -> usize {
    let commands = common::processes()
        .into_iter()
        .map(|(pid, ..)| fs::read(format!("/proc/{pid}/cmdline")));
    commands
        .flatten()
        .filter(|command| command == b"sleep\x00600\x00")
        .count()
}

#[test]
fn fault_24_workers_end_when_their_parent_is_killed() {
    let program = program();
    if std::env::var_os("PROCESS_POOL_TEST_PARENT").is_some() {
        let pool = ProcessPool::new(&program, 3).unwrap();
        let pids: Vec<i32> = pool
            .map::<pid>([(); 30])
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let _busy = pool.submit::<nap>(600_000).unwrap();
        let _starts = pool.submit::<starts_a_grandchild_and_hangs>(()).unwrap();
        eventually("there is a grandchild", || sleepers() > 0);
        let pids: Vec<String> = pids
            .iter()
            .chain(&common::children())
            .map(i32::to_string)
            .collect();
        println!("workers: {}", pids.join(" "));
        thread::sleep(Duration::from_secs(600));
    }
    let (_deadline, _turn) = (deadline(120), alone());
    let before = Census::take();
    for _ in 0..3 {
        let name = "fault_24_workers_end_when_their_parent_is_killed";
        let mut parent = Command::new("/proc/self/exe")
            .args([name, "--exact", "--nocapture"])
            .env("PROCESS_POOL_TEST_PARENT", "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = std::io::BufRead::lines(std::io::BufReader::new(parent.stdout.take().unwrap()));
        let line = lines
            .map(Result::unwrap)
            .find(|line| line.contains("workers: "))
            .unwrap();
        let (_, pids) = line.split_once("workers: ").unwrap();
        let pids: Vec<i32> = pids.split(' ').map(|pid| pid.parse().unwrap()).collect();
        assert!(pids.iter().any(|&pid| lives(pid)));
        parent.kill().unwrap();
        parent.wait().unwrap();
        eventually("no worker lives", || pids.iter().all(|&pid| !lives(pid)));
        eventually("no grandchild lives", || sleepers() == 0);
    }
    before.assert_back();
}

#[test]
fn fault_25_a_grandchild_that_inherits_the_pipe_does_not_hide_the_workers_death() {
    let program = program();
    let (_deadline, _turn) = (deadline(120), alone());
    let before = Census::take();
    let mut grandchildren = BTreeMap::new();
    for _ in 0..5 {
        let pool = ProcessPool::builder(&program)
            .workers(1)
            .capture_stderr()
            .build()
            .unwrap();
        let worker = pool.submit::<pid>(()).unwrap().wait().unwrap();
        let start = Instant::now();
        let dead = pool.submit::<leaves_a_grandchild_and_dies>(()).unwrap();
        assert_eq!(crash(dead.wait()).exit(), Exit::Code(3));
        assert!(start.elapsed() < Duration::from_secs(60));
        all_done(neighbours(&pool));
        let path = std::env::temp_dir().join(format!("process-pool-{worker}"));
        let grandchild: i32 = fs::read_to_string(&path).unwrap().parse().unwrap();
        fs::remove_file(path).unwrap();
        // It outlived its parent, as the test needs.
        assert!(lives(grandchild));
        grandchildren.insert(grandchild, worker);
        drop(pool);
    }
    for grandchild in grandchildren.keys() {
        Command::new("kill")
            .args(["-9", &grandchild.to_string()])
            .status()
            .unwrap();
    }
    before.assert_back();
    eventually("no grandchild lives", || sleepers() == 0);
}

#[test]
fn a_job_that_writes_over_the_shared_memory_is_that_workers_error() {
    let program = program();
    let (_deadline, _turn) = (deadline(120), alone());
    let before = Census::take();
    for kind in 0..12 {
        let pool = ProcessPool::builder(&program)
            .workers(2)
            .time_limit(Duration::from_secs(2))
            .build()
            .unwrap();
        let wild = pool.submit::<write_over_the_rings>(kind).unwrap();
        let others = neighbours(&pool);
        // Whatever came of it: an error, or by chance a result. But no hang, and the pool lives on.
        let _ = wild.wait();
        for handle in others {
            let _ = handle.wait();
        }
        all_done(neighbours(&pool));
    }
    before.assert_back();
}
