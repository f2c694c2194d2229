//! The jobs of these tests, and their registration.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio, abort, exit};
use std::thread;
use std::time::Duration;

use effective_process_pool::{Buffer, Program, job, register};
use serde::de::Error as _;
use serde::ser::{Error as _, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hostile::{self, Denial};
use crate::support::checks::quiet_in_workers;

job! {
    pub(crate) fn double(number: u64) -> u64 { 2 * number }
    pub(crate) fn nap(milliseconds: u64) -> u64 {
        thread::sleep(Duration::from_millis(milliseconds));
        milliseconds
    }
    pub(crate) fn pid() -> i32 { std::process::id() as i32 }
    pub(crate) fn kill_myself(signal: i32) -> u64 {
        let arguments = [format!("-{signal}"), std::process::id().to_string()];
        Command::new("kill").args(arguments).status().unwrap();
        thread::sleep(Duration::from_secs(600));
        0
    }
    pub(crate) fn exit_with(code: i32) -> u64 { exit(code) }
    pub(crate) fn abort_now() -> u64 { abort() }
    pub(crate) fn overflow_the_stack(depth: u64) -> u64 { deeper(depth) }
    pub(crate) fn take_memory(bytes: usize) -> usize { vec![1_u8; bytes].len() }
    pub(crate) fn panics(text: String) -> u64 { panic!("{text}") }
    pub(crate) fn picky(input: Picky) -> Picky { input }
    pub(crate) fn no_output(number: u64) -> Unspeakable { Unspeakable(number) }
    pub(crate) fn garbled(number: u64) -> Garbled { Garbled(number) }
    pub(crate) fn killed_while_it_writes(bytes: usize) -> Slow { Slow(bytes) }
    pub(crate) fn prints(text: String) -> usize {
        print!("{text}");
        println!("{text}");
        eprintln!("{text}");
        std::io::stdout().flush().unwrap();
        text.len()
    }
    pub(crate) fn leaves_a_grandchild_and_dies() -> u64 {
        // It inherits everything that can be inherited, including the pipe of standard error.
        let mut sleep = Command::new("sleep");
        let grandchild = sleep.arg("613.5").stdin(Stdio::inherit()).spawn().unwrap();
        let path = std::env::temp_dir().join(format!("process-pool-{}", std::process::id()));
        fs::write(path, grandchild.id().to_string()).unwrap();
        exit(3)
    }
    pub(crate) fn starts_a_grandchild_and_hangs() -> i32 {
        Command::new("sleep").arg("613.5").spawn().unwrap();
        thread::sleep(Duration::from_secs(600));
        0
    }
    pub(crate) fn runs_at_most(limit: u32) -> u32 {
        SEEN.set(SEEN.get() + 1);
        assert!(SEEN.get() <= limit);
        SEEN.get()
    }
    pub(crate) fn grow(bytes: usize) -> usize {
        HOARD.with_borrow_mut(|hoard| {
            hoard.push(vec![1; bytes]);
            hoard.len()
        })
    }
    pub(crate) fn fails_to_start() { exit(9) }
    pub(crate) fn panics_at_start() { panic!("no licence") }
    pub(crate) fn exits_sometimes(number: u64) -> u64 {
        if number % 100 == 77 { exit(0) } else { 3 * number }
    }
    pub(crate) fn write_over_the_rings(kind: u8) -> u64 { corrupt(kind) }
    /// Overwrites shared memory with these bytes, and then sleeps.
    pub(crate) fn scribble_and_nap(order: (u64, Vec<u8>, u64)) -> u64 {
        scribble(order.0, &order.1);
        thread::sleep(Duration::from_millis(order.2));
        order.2
    }
    /// Marks its batch, and all that follow, as finished without a single result.
    pub(crate) fn finishes_nothing(number: u64) -> u64 { hostile::finish_nothing(number) }
    /// Marks its batch as not started, and then exits or sleeps.
    pub(crate) fn denies_its_start(order: Denial) -> u64 { hostile::deny_the_start(&order) }
    /// Sends a socket whose close blocks, in place of its result.
    pub(crate) fn sends_what_blocks(order: (u16, usize)) -> Buffer {
        hostile::send_what_blocks(order.0, order.1)
    }
    pub(crate) fn hangs_at_exit(number: u64) -> u64 { ENDLESS.with(|_| 2 * number) }
    /// Only one process at a time can create the file: the second worker never starts.
    pub(crate) fn takes_what_there_is_one_of(directory: String) {
        let mut log = fs::OpenOptions::new();
        let log = log.create(true).append(true).open(format!("{directory}/log"));
        writeln!(log.unwrap(), "one more").unwrap();
        let mut lock = fs::OpenOptions::new();
        lock.write(true).create_new(true).open(format!("{directory}/lock")).unwrap();
    }
}

thread_local! {
    static SEEN: Cell<u32> = const { Cell::new(0) };
    static ENDLESS: Endless = const { Endless };
    static HOARD: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

#[expect(unconditional_recursion, reason = "so it overflows")]
fn deeper(depth: u64) -> u64 {
    let space = [depth; 64];
    std::hint::black_box(&space);
    deeper(depth + 1) + space[7]
}

/// Refuses to serialise 1 and to deserialise 2.
#[derive(Debug)]
pub(crate) struct Picky(pub(crate) u8);

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

/// A sequence of unknown length, which the format cannot encode.
#[derive(Debug, Deserialize)]
pub(crate) struct Unspeakable(u64);

impl Serialize for Unspeakable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(None)?;
        sequence.serialize_element(&self.0)?;
        sequence.end()
    }
}

/// Serialised as a number and deserialised as a text.
#[derive(Debug, Serialize)]
pub(crate) struct Garbled(u64);

impl<'de> Deserialize<'de> for Garbled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <(String, String)>::deserialize(deserializer).map(|_| Self(0))
    }
}

/// A sequence of this many bytes whose second half is never serialised: the process is killed
/// first.
#[derive(Debug, Deserialize)]
pub(crate) struct Slow(usize);

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

/// The address range of the memory that this worker shares with its parent.
pub(crate) fn shared_memory() -> (u64, u64) {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let line = maps
        .lines()
        .find(|line| line.contains("memfd:process-pool "))
        .unwrap();
    let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
    let number = |text| u64::from_str_radix(text, 16).unwrap();
    (number(start), number(end))
}

/// Overwrites the shared memory at this offset, as a job with a wild pointer might.
fn scribble(offset: u64, bytes: &[u8]) {
    let memory = fs::OpenOptions::new()
        .write(true)
        .open("/proc/self/mem")
        .unwrap();
    memory
        .write_all_at(bytes, shared_memory().0 + offset)
        .unwrap();
}

/// Overwrites all of the shared memory.
fn corrupt(kind: u8) -> u64 {
    let (start, end) = shared_memory();
    let bytes = match kind {
        0 => vec![0xff; (end - start) as usize],
        1 => vec![0; (end - start) as usize],
        _ => (0..end - start)
            .map(|at| (at * 7 + at / 3 + u64::from(kind)) as u8 % 6)
            .collect(),
    };
    scribble(0, &bytes);
    5
}

/// A thread-local whose destructor never returns, as a library might leave behind.
struct Endless;

impl Drop for Endless {
    fn drop(&mut self) {
        thread::sleep(Duration::from_secs(600));
    }
}

/// Registers the jobs: the first line of each test.
pub(crate) fn program() -> Program {
    quiet_in_workers();
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
        runs_at_most,
        grow,
        fails_to_start,
        panics_at_start,
        write_over_the_rings,
        exits_sometimes,
        scribble_and_nap,
        hangs_at_exit,
        finishes_nothing,
        denies_its_start,
        sends_what_blocks,
        takes_what_there_is_one_of,
    ]
}
