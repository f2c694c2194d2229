//! Task wakers that need no allocation: tagged pointers to a block.
//!
//! A waker is one pointer and a table of functions. Here the pointer is the address of the block,
//! which is aligned to 64 bytes, plus the slot of the task, which is below 64. It stays inside the
//! block, and both parts can be recovered from it.

use std::mem::{ManuallyDrop, align_of, size_of};
use std::task::{RawWaker, RawWakerVTable, Waker};

use super::block::{Block, TASKS};
use crate::sync::Arc;

const _: () = assert!(align_of::<Block>() >= TASKS && size_of::<Block>() >= TASKS);

// A `Waker` is `Send` and `Sync`, and the compiler does not check what its pointer leads to.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Block>();
};

static TABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, release);

/// Calls `with` with the waker of a task, which borrows the block. Only its clones own it.
#[allow(unreachable_pub, reason = "`tests/model_check.rs` uses it")]
pub fn with_waker<R>(block: &Arc<Block>, slot: usize, with: impl FnOnce(&Waker) -> R) -> R {
    assert!(slot < TASKS, "a block has {TASKS} slots");
    // SAFETY: `slot` is less than the size of the block (asserted above), so the pointer stays
    // inside it.
    let data = unsafe { Arc::as_ptr(block).byte_add(slot) };
    // SAFETY: the functions of the table keep the contract of `RawWaker`: they may be called from
    // any thread, since a `Block` is `Send` and `Sync` (asserted above), and each expects this
    // kind of pointer. This waker owns no reference count and is never dropped, and `block` is
    // borrowed for longer than it lives.
    let waker = ManuallyDrop::new(unsafe { Waker::new(data.cast(), &TABLE) });
    with(&waker)
}

/// The block and the slot that a pointer encodes.
fn parts(data: *const ()) -> (*const Block, usize) {
    const SLOT: usize = TASKS - 1;
    (
        data.map_addr(|address| address & !SLOT).cast(),
        data.addr() & SLOT,
    )
}

unsafe fn clone(data: *const ()) -> RawWaker {
    let (block, _) = parts(data);
    // SAFETY: the pointer came from `Arc::as_ptr`, which is the pointer that `Arc::into_raw` gives,
    // with the same provenance (`parts` changes only the address). The cloned waker owns or borrows
    // a count, so the block is alive.
    unsafe { Arc::increment_strong_count(block) };
    RawWaker::new(data, &TABLE)
}

unsafe fn wake(data: *const ()) {
    let (block, slot) = parts(data);
    // SAFETY: the pointer as in `clone`. A waker that is passed by value owns a count, made by
    // `clone`. This `Arc` takes it over and releases it, even if the wake panics.
    unsafe { Arc::from_raw(block) }.wake(slot);
}

unsafe fn wake_by_ref(data: *const ()) {
    let (block, slot) = parts(data);
    // SAFETY: the pointer as in `clone`. The waker owns or borrows a count for as long as this
    // runs; the `Arc` made here is not dropped.
    let block = ManuallyDrop::new(unsafe { Arc::from_raw(block) });
    block.wake(slot);
}

unsafe fn release(data: *const ()) {
    let (block, _) = parts(data);
    // SAFETY: the pointer as in `clone`. Only a waker that owns a count is ever dropped, and this
    // gives that count back.
    drop(unsafe { Arc::from_raw(block) });
}
