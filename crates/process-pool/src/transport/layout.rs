//! What lies where in the memory that a worker and its parent share. Atomics only: any bits are valid, and a word that
//! the other side changes meanwhile is no data race.

use std::sync::atomic::{AtomicU32, AtomicU64};

use super::bell::Bell;
use super::slot::Slot;

/// Units of work in a ring.
pub(crate) const SLOTS: usize = 64;
/// Words of the ring of inputs, and of the ring of outputs: 128 KiB each.
pub(crate) const WORDS: usize = 16 * 1024;
/// More bytes than this do not take the way through the rings.
pub(crate) const SPILL: usize = 32 * 1024;
/// The words of the ring of outputs that only say where a result is, or that it cannot travel: two for each slot, so that
/// there always is room.
pub(crate) const RESERVED: usize = 2 * SLOTS;

/// Bits of `Slot::flags`.
pub(crate) mod flag {
    /// More jobs will follow soon: spin for them.
    pub(crate) const HOT: u32 = 1;
    /// There is a time limit: stamp the beginning.
    pub(crate) const LIMITED: u32 = 2;
    /// A message with descriptors lies in the socket.
    pub(crate) const DESCRIPTORS: u32 = 4;
    /// The inputs are in the first of these descriptors, and not in the ring.
    pub(crate) const SPILLED: u32 = 8;
}

/// Values of `FromWorker::status`. It is 0 until registration and initializer have come to their end.
pub(crate) mod status {
    /// Jobs are taken.
    pub(crate) const READY: u32 = 1;
    /// The worker ends by itself, since it has done its share of jobs, has grown too large, or lacks
    /// the descriptors that it needs.
    pub(crate) const RETIRED: u32 = 2;
    /// The initializer failed; the reason is in the socket.
    pub(crate) const FAILED: u32 = 3;
}

/// The header of a result: its kind, how many descriptors came along, and the length of what follows.
pub(crate) mod head {
    /// The output.
    pub(crate) const OK: u8 = 0;
    /// The job panicked; the message follows.
    pub(crate) const PANICKED: u8 = 1;
    /// The input could not be decoded; why follows.
    pub(crate) const INPUT: u8 = 2;
    /// The output could not be encoded; why follows.
    pub(crate) const OUTPUT: u8 = 3;
    /// The system refused what the input or the output needs to travel; the error number follows, in
    /// four bytes.
    pub(crate) const TRANSPORT: u8 = 4;
    /// Set on the kind: the bytes are in the first descriptor, and not in the ring.
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

/// Keeps what one side writes out of the cache lines of the other; two lines, since processors fetch pairs of them.
#[repr(C, align(128))]
pub(crate) struct Padded<T>(pub(crate) T);

/// The shared memory of one worker. All zeros is how it begins.
#[repr(C)]
pub(crate) struct Layout {
    /// The worker sleeps on it.
    pub(crate) work: Padded<Bell>,
    pub(crate) parent: Padded<FromParent>,
    pub(crate) wanted: Padded<Wanted>,
    pub(crate) worker: Padded<FromWorker>,
    pub(crate) slots: [Slot; SLOTS],
    pub(crate) inputs: Padded<[AtomicU64; WORDS]>,
    pub(crate) outputs: Padded<[AtomicU64; WORDS]>,
}

/// What the parent says beside the slots.
#[repr(C)]
pub(crate) struct FromParent {
    /// How many slots it has collected: the words of their results are free.
    pub(crate) collected: AtomicU64,
    /// No more units will follow: end when the ring is empty.
    pub(crate) closing: AtomicU32,
    /// Begin no further input of the unit that runs.
    pub(crate) stop: AtomicU32,
}

/// What the worker says beside the slots.
#[repr(C)]
pub(crate) struct FromWorker {
    /// See [`status`].
    pub(crate) status: AtomicU32,
    /// Not 0 if the worker aborts because memory was refused.
    pub(crate) out_of_memory: AtomicU32,
}

/// What the parent wants to hear of.
#[repr(C)]
pub(crate) struct Wanted {
    /// A thread sleeps on it until a unit is finished.
    pub(crate) done: Bell,
    /// The supervisor wants an event when a unit is finished.
    pub(crate) event: Bell,
    /// The supervisor wants an event when the worker has nothing left to do.
    pub(crate) idle: Bell,
}
