//! The jobs of these tests, and their registration.

use std::alloc;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::mem;
use std::process::Command;
use std::thread;
use std::time::Duration;

use effective_process_pool::{Buffer, Program, job, register};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Deserializer, Serialize};

use crate::support::checks::quiet_in_workers;

/// As deep as the text it was parsed from.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Tree {
    Leaf,
    Node(Box<Tree>),
}

/// Large levels: in a debug build each takes kilobytes of stack.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Wide {
    numbers: [[u64; 16]; 4],
    names: BTreeMap<String, u64>,
    next: Option<Box<Wide>>,
}

/// The type that a JSON parser returns.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Value {
    Null,
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
}

#[derive(Debug, Serialize)]
pub(crate) struct Strict(pub(crate) u32);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u32::deserialize(deserializer)?;
        assert!(number != 8, "no eights");
        Ok(Self(number))
    }
}

pub(crate) fn tree(depth: usize) -> Tree {
    (0..depth).fold(Tree::Leaf, |tree, _| Tree::Node(Box::new(tree)))
}

job! {
    pub(crate) fn double(number: u64) -> u64 { 2 * number }
    pub(crate) fn pid() -> i32 { std::process::id() as i32 }
    pub(crate) fn nap_us(microseconds: u64) { thread::sleep(Duration::from_micros(microseconds)); }
    pub(crate) fn parse(text: String) -> Tree { tree(text.len()) }
    pub(crate) fn parse_wide(depth: usize) -> Wide {
        let level = |next| Wide { numbers: [[0; 16]; 4], names: BTreeMap::new(), next };
        (0..depth).fold(level(None), |inner, _| level(Some(Box::new(inner))))
    }
    pub(crate) fn parse_value(depth: usize) -> Value {
        (0..depth).fold(Value::Null, |inner, level| match level % 2 {
            0 => Value::List(vec![inner]),
            _ => Value::Map(BTreeMap::from([(String::new(), inner)])),
        })
    }
    pub(crate) fn weigh(tree: Tree) -> usize { mem::forget(tree); 1 }
    pub(crate) fn strict(number: u32) -> Strict { Strict(number) }
    pub(crate) fn count(buffers: Vec<Buffer>) -> usize { buffers.len() }
    pub(crate) fn give_back(buffers: Vec<Buffer>) -> Vec<Buffer> { buffers }
    pub(crate) fn make_buffers(count: usize) -> Vec<Buffer> {
        (0..count).map(|_| Buffer::new(4096).unwrap()).collect()
    }
    pub(crate) fn big(bytes: usize) -> Vec<u8> { vec![5; bytes] }
    pub(crate) fn sum(bytes: Vec<u8>) -> u64 { bytes.iter().map(|&byte| u64::from(byte)).sum() }
    pub(crate) fn chatty(number: u64) -> u64 {
        println!("job {number}: {}", "x".repeat((number % 97) as usize * 9));
        eprintln!("job {number}");
        number + 1
    }
    pub(crate) fn fd_1_is() -> String {
        fs::read_link("/proc/self/fd/1").unwrap().to_string_lossy().into_owned()
    }
    pub(crate) fn blocked_signals() -> (String, String) {
        let own = fs::read_to_string("/proc/thread-self/status").unwrap();
        let child = Command::new("cat").arg("/proc/self/status").output().unwrap().stdout;
        (blocked(&own), blocked(&String::from_utf8(child).unwrap()))
    }
    pub(crate) fn start_and_wait(seconds: u64) -> bool {
        Command::new("sleep").arg(seconds.to_string()).status().is_ok()
    }
    /// Leaves an orphan behind that ends soon.
    pub(crate) fn leave_an_orphan() -> bool {
        Command::new("sh").args(["-c", "sleep 0.05 &"]).status().is_ok()
    }
    /// Closes all descriptors, as a library does before it starts a program by hand.
    pub(crate) fn close_all() {
        // SAFETY: closing descriptors affects no memory. That they belong to others is the point of
        // the test.
        unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) };
    }
    pub(crate) fn leak() {
        while let Ok(file) = File::open("/dev/null") {
            mem::forget(file);
        }
    }
    /// Opens files, which get the numbers of descriptors that another job has closed. Returns their
    /// total length.
    pub(crate) fn open_files(folder: String) -> u64 {
        (0..20).map(|at| {
            let path = format!("{folder}/{at}");
            mem::forget(File::create(&path).unwrap());
            fs::metadata(&path).unwrap().len()
        }).sum()
    }
    pub(crate) fn take_memory(bytes: usize) -> usize { vec![1_u8; bytes].len() }
    pub(crate) fn take_memory_on_a_thread(bytes: usize) -> usize {
        thread::spawn(move || vec![1_u8; bytes].len()).join().unwrap()
    }
    /// Survives a failed allocation, and aborts for another reason.
    pub(crate) fn cope_and_abort(bytes: usize) -> bool {
        assert!(Vec::<u8>::new().try_reserve(bytes).is_err());
        assert!(File::open("/nowhere").is_err());
        std::process::abort()
    }
    pub(crate) fn start_too_large(bytes: usize) {
        alloc::handle_alloc_error(alloc::Layout::array::<u8>(bytes).unwrap())
    }
    pub(crate) fn user() -> u32 { rustix::process::getuid().as_raw() }
}

fn blocked(status: &str) -> String {
    let line = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
    line.unwrap().trim().to_owned()
}

/// Lowers the descriptor limit of this process and of those that it starts.
pub(crate) fn limit_descriptors(limit: u64) {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = Some(limit);
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
}

/// Takes all free descriptors.
pub(crate) fn hoard() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

/// Registers the jobs: the first line of each test.
pub(crate) fn program() -> Program {
    quiet_in_workers();
    register![
        double,
        pid,
        nap_us,
        parse,
        parse_wide,
        parse_value,
        weigh,
        strict,
        count,
        give_back,
        make_buffers,
        big,
        sum,
        chatty,
        fd_1_is,
        blocked_signals,
        start_and_wait,
        leave_an_orphan,
        close_all,
        leak,
        open_files,
        take_memory,
        take_memory_on_a_thread,
        cope_and_abort,
        start_too_large,
        user,
    ]
}
