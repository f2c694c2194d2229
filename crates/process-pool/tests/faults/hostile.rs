//! Hostile workers that follow the protocol of the shared memory but write false values.

use std::fs::{self, File};
use std::io::{ErrorKind, IoSlice, Write};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::exit;
use std::thread;
use std::time::{Duration, Instant};

use effective_process_pool::{Buffer, JobError, ProcessPool};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg, sockopt};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

use crate::helpers::{all_done, neighbours};
use crate::jobs::*;
use crate::support::checks::{Resources, alone, deadline};

/// See `transport/layout.rs` and `transport/slot.rs`.
const SLOTS: u64 = 512;
const SLOT: u64 = 64;
const STARTED: u64 = 20;
const PROGRESS: u64 = 24;
const READY: u32 = 1;
const TAKEN: u32 = 2;
const DONE: u32 = 3;

/// How many workers may die with a batch at the head, see `parent/batch.rs`.
const MAX_DEATHS: usize = 8;

/// The linger time of the socket: far longer than the test may take.
const LINGER: Duration = Duration::from_secs(60);

/// The memory that a worker shares with its parent.
struct Ring {
    memory: File,
    start: u64,
}

impl Ring {
    fn open() -> Self {
        let memory = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open("/proc/self/mem");
        Self {
            memory: memory.unwrap(),
            start: shared_memory().0,
        }
    }

    fn write(&self, slot: u64, field: u64, bytes: &[u8]) {
        let at = self.start + SLOTS + slot * SLOT + field;
        self.memory.write_all_at(bytes, at).unwrap();
    }

    fn state(&self, slot: u64) -> u32 {
        let mut state = [0; 4];
        self.memory
            .read_exact_at(&mut state, self.start + SLOTS + slot * SLOT)
            .unwrap();
        u32::from_ne_bytes(state)
    }

    /// The slots in one of these states.
    fn slots(&self, states: &[u32]) -> Vec<u64> {
        (0..64)
            .filter(|&slot| states.contains(&self.state(slot)))
            .collect()
    }
}

/// Copies of this process's descriptors of one kind.
fn own_descriptors(kind: &str) -> Vec<OwnedFd> {
    let this = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc/self/fd").unwrap().flatten() {
        let number = entry.file_name().to_str().unwrap().parse().unwrap();
        let is_one =
            fs::read_link(entry.path()).is_ok_and(|path| path.to_string_lossy().contains(kind));
        if is_one && number > 2 {
            found.extend(pidfd_getfd(&this, number, PidfdGetfdFlags::empty()));
        }
    }
    found
}

pub(crate) fn finish_nothing(_: u64) -> u64 {
    let ring = Ring::open();
    let events = own_descriptors("[eventfd]");
    loop {
        for slot in ring.slots(&[READY, TAKEN]) {
            ring.write(slot, PROGRESS, &[0; 8]);
            ring.write(slot, 0, &DONE.to_ne_bytes());
            for event in &events {
                let _ = rustix::io::write(event, &1_u64.to_ne_bytes());
            }
        }
    }
}

/// The words that a worker writes into the slot of its batch (the state, and the input it has
/// started), the file in which it counts its runs, and how many milliseconds it sleeps before it
/// exits.
pub(crate) type Denial = (u32, u32, PathBuf, u64);

pub(crate) fn deny_the_start((state, started, log, nap): &Denial) -> u64 {
    let mut log = fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(log)
        .unwrap();
    log.write_all(b".").unwrap();
    let ring = Ring::open();
    for slot in ring.slots(&[TAKEN]) {
        ring.write(slot, STARTED, &started.to_ne_bytes());
        ring.write(slot, 0, &state.to_ne_bytes());
    }
    thread::sleep(Duration::from_millis(*nap));
    exit(3)
}

/// Sends `copies` descriptors of a lingering socket in one message. With 0 it sends one and exits
/// without a result; with 3 its message has no text, and with 4 more than any message may have.
pub(crate) fn send_what_blocks(port: u16, copies: usize) -> Buffer {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_nonblocking(true).unwrap();
    // The other side does not read, so there is unsent data to linger for.
    let full = loop {
        if let Err(error) = stream.write(&[0; 1 << 16]) {
            break error;
        }
    };
    assert_eq!(full.kind(), ErrorKind::WouldBlock);
    stream.set_nonblocking(false).unwrap();
    sockopt::set_socket_linger(&stream, Some(LINGER)).unwrap();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let sent = vec![stream.as_fd(); copies.clamp(1, 2)];
    assert!(control.push(SendAncillaryMessage::ScmRights(&sent)));
    let to_parent = own_descriptors("socket:").into_iter().find(|socket| {
        sockopt::socket_type(socket).is_ok_and(|kind| kind == rustix::net::SocketType::SEQPACKET)
    });
    let text = [IoSlice::new(&[0; 20_000][..text_length(copies)])];
    sendmsg(to_parent.unwrap(), &text, &mut control, SendFlags::empty()).unwrap();
    if copies == 0 {
        exit(3);
    }
    Buffer::new(8).unwrap()
}

fn text_length(copies: usize) -> usize {
    match copies {
        3 => 0,
        4 => 20_000,
        _ => 1,
    }
}

#[test]
fn batch_finished_without_results_ends_its_worker() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    for workers in [1, 2] {
        let pool = ProcessPool::new(&program, workers).unwrap();
        let chunks = pool.mapping().chunk_size(4.try_into().unwrap());
        for result in chunks.run::<finishes_nothing>(0..12) {
            assert!(matches!(result, Err(JobError::Corrupted(_))), "{result:?}");
        }
        all_done(neighbours(&pool));
    }
    before.assert_restored();
}

#[test]
fn denied_start_bounds_number_of_runs() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    let log = std::env::temp_dir().join(format!("process-pool-denial-{}", std::process::id()));
    // Not claimed; claimed, with its first input not started; the same, until its time limit.
    for (state, inputs, nap) in [(READY, 1, 0), (TAKEN, 2, 0), (TAKEN, 2, 600_000)] {
        let _ = fs::remove_file(&log);
        let pool = ProcessPool::builder(&program)
            .workers(1)
            .time_limit(Duration::from_millis(if nap > 0 { 100 } else { 60_000 }))
            .build()
            .unwrap();
        // The worker has finished a job before.
        pool.submit::<double>(1).unwrap().wait().unwrap();
        let chunks = pool.mapping().chunk_size(2.try_into().unwrap());
        for result in chunks.run::<denies_its_start>(vec![(state, 0, log.clone(), nap); inputs]) {
            let is_an_end = match &result {
                Err(JobError::TimedOut(_)) => nap > 0,
                Err(JobError::Crashed(_) | JobError::Broken(_)) => true,
                _ => false,
            };
            assert!(is_an_end, "{result:?}");
        }
        let runs = fs::read(&log).unwrap().len();
        assert!(
            runs <= MAX_DEATHS * inputs,
            "{runs} runs of {inputs} inputs"
        );
    }
    fs::remove_file(&log).unwrap();
    before.assert_restored();
}

#[test]
fn descriptor_that_blocks_when_closed_blocks_no_caller() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    for copies in [4, 3, 2, 1, 0] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let pool = ProcessPool::new(&program, 1).unwrap();
        let began = Instant::now();
        let wild = pool.submit::<sends_what_blocks>((port, copies)).unwrap();
        let (unread, _) = listener.accept().unwrap();
        match wild.wait() {
            Err(JobError::Corrupted(_)) if copies > 0 => {}
            Err(JobError::Crashed(_)) if copies == 0 => {}
            other => panic!("{other:?}"),
        }
        all_done(neighbours(&pool));
        drop(pool);
        assert!(
            began.elapsed() < LINGER,
            "a caller has waited for the socket"
        );
        // Resets the connection, which ends the lingering.
        drop(unread);
    }
    before.assert_restored();
}
