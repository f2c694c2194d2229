//! The layout of the memory that a worker and its parent share. It holds atomics only: all bits are
//! valid, and a word that the other side changes meanwhile is no data race.

use super::bell::Bell;
use super::slot::Slot;
use crate::sync::{AtomicU32, AtomicU64};

/// The number of slots, and so of batches, in a ring.
pub(crate) const SLOTS: usize = 64;
/// The number of words of the input ring, and of the output ring: 128 KiB each.
pub(crate) const WORDS: usize = 16 * 1024;
/// Inputs and results larger than this, in bytes, bypass the rings.
pub(crate) const SPILL: usize = 32 * 1024;
/// Words of the output ring reserved for results that only say where the bytes are, or that they
/// cannot travel: two per slot, so that there always is room.
pub(crate) const RESERVED: usize = 2 * SLOTS;

/// Bits of `Slot::flags`.
pub(crate) mod flag {
    /// More jobs will follow soon: spin for them.
    pub(crate) const HOT: u32 = 1;
    /// A time limit applies: stamp the start of each input.
    pub(crate) const LIMITED: u32 = 2;
    /// A message with descriptors is in the socket.
    pub(crate) const DESCRIPTORS: u32 = 4;
    /// The inputs are in the first of these descriptors instead of the ring.
    pub(crate) const SPILLED: u32 = 8;
}

/// Values of `FromWorker::status`. It is 0 until registration and initializer have finished.
pub(crate) mod status {
    /// The worker takes jobs.
    pub(crate) const READY: u32 = 1;
    /// The worker is exiting by itself: it has run its number of jobs, has grown too large, or
    /// lacks descriptors that it needs.
    pub(crate) const RETIRED: u32 = 2;
    /// The initializer failed; the reason is in the socket.
    pub(crate) const FAILED: u32 = 3;
}

/// The header of a result: its kind, its number of descriptors, and the length of the bytes that
/// follow.
pub(crate) mod head {
    /// The output.
    pub(crate) const OK: u8 = 0;
    /// The job panicked; the message follows.
    pub(crate) const PANICKED: u8 = 1;
    /// The input could not be decoded; the reason follows.
    pub(crate) const INPUT: u8 = 2;
    /// The output could not be encoded; the reason follows.
    pub(crate) const OUTPUT: u8 = 3;
    /// The system refused a resource that the input or the output needs to travel; the error number
    /// follows, in four bytes.
    pub(crate) const TRANSPORT: u8 = 4;
    /// Set on the kind: the bytes are in the first descriptor instead of the ring.
    pub(crate) const SPILLED: u8 = 0x80;

    const LENGTH: u64 = (1 << 48) - 1;

    pub(crate) fn pack(kind: u8, descriptors: u8, length: usize) -> u64 {
        u64::from(kind) << 56 | u64::from(descriptors) << 48 | length as u64 & LENGTH
    }

    pub(crate) fn unpack(word: u64) -> (u8, u8, usize) {
        (
            (word >> 56) as u8,
            (word >> 48) as u8,
            (word & LENGTH) as usize,
        )
    }
}

/// Keeps the words that one side writes out of the cache lines of the other. Two lines, since
/// processors fetch pairs.
#[repr(C, align(128))]
pub(crate) struct Padded<T>(pub(crate) T);

/// The shared memory of one worker. It starts as all zeros.
#[repr(C)]
pub(crate) struct Layout {
    /// The worker sleeps on it.
    pub(crate) work: Padded<Bell>,
    pub(crate) parent: Padded<FromParent>,
    pub(crate) bells: Padded<ParentBells>,
    pub(crate) worker: Padded<FromWorker>,
    pub(crate) slots: [Slot; SLOTS],
    pub(crate) inputs: Padded<[AtomicU64; WORDS]>,
    pub(crate) outputs: Padded<[AtomicU64; WORDS]>,
}

/// The words that the parent writes, besides the slots.
#[repr(C)]
pub(crate) struct FromParent {
    /// The number of slots it has collected: the words of their results are free.
    pub(crate) collected: AtomicU64,
    /// Not 0 when no more batches follow: exit when the ring is empty.
    pub(crate) closing: AtomicU32,
    /// Not 0 when the running batch must start no further input.
    pub(crate) stop: AtomicU32,
}

/// The words that the worker writes, besides the slots.
#[repr(C)]
pub(crate) struct FromWorker {
    /// See [`status`].
    pub(crate) status: AtomicU32,
    /// Not 0 if the worker aborts because an allocation failed.
    pub(crate) out_of_memory: AtomicU32,
}

/// The bells that the parent arms.
#[repr(C)]
pub(crate) struct ParentBells {
    /// A thread sleeps on it until a batch is finished.
    pub(crate) done: Bell,
    /// The supervisor wants an event when a batch is finished.
    pub(crate) event: Bell,
    /// The supervisor wants an event when the worker is idle.
    pub(crate) idle: Bell,
}
