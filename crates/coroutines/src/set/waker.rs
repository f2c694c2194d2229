//! The waker of a task, made out of its block without an allocation.
//!
//! A waker is one pointer and a table of functions. Here the pointer is that of the block, which is aligned to 64 bytes,
//! plus the place of the task, below 64, in bytes: it stays inside the block, and both can be told from it.

use std::mem::{ManuallyDrop, align_of, size_of};
use std::task::{RawWaker, RawWakerVTable, Waker};

use super::ready::{Block, TASKS};
use super::sync::Arc;

const _: () = assert!(align_of::<Block>() >= TASKS && size_of::<Block>() >= TASKS);

// What a `Waker` must be, which the compiler does not ask of what is behind its pointer.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Block>();
};

static TABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, release);

/// Calls `with` with the waker of a task. It is borrowed: only a clone of it counts as an owner of the block.
pub(crate) fn with_waker<R>(block: &Arc<Block>, place: usize, with: impl FnOnce(&Waker) -> R) -> R {
    assert!(place < TASKS, "a block has {TASKS} places");
    // SAFETY: `place` is less than the size of the block (asserted above), so the pointer stays inside it.
    let data = unsafe { Arc::as_ptr(block).byte_add(place) };
    // SAFETY: the functions of the table keep the contract of `RawWaker`: they may be called from
    // any thread, since a `Block` is `Send` and `Sync` (asserted above), and each takes the pointer
    // for what it is, a block's plus a place. This waker owns no count; it is never dropped, and
    // `block` is borrowed for longer than it lives.
    let waker = ManuallyDrop::new(unsafe { Waker::new(data.cast(), &TABLE) });
    with(&waker)
}

/// The block and the place that a pointer stands for.
fn parts(data: *const ()) -> (*const Block, usize) {
    const PLACE: usize = TASKS - 1;
    (
        data.map_addr(|address| address & !PLACE).cast(),
        data.addr() & PLACE,
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
    let (block, place) = parts(data);
    // SAFETY: the pointer as in `clone`. A waker that is passed by value owns a count, made by
    // `clone`; it goes into this `Arc`, which gives it back even when the wake panics.
    unsafe { Arc::from_raw(block) }.wake(place);
}

unsafe fn wake_by_ref(data: *const ()) {
    let (block, place) = parts(data);
    // SAFETY: the pointer as in `clone`. The waker owns or borrows a count for as long as this
    // runs; the `Arc` made here is not dropped.
    let block = ManuallyDrop::new(unsafe { Arc::from_raw(block) });
    block.wake(place);
}

unsafe fn release(data: *const ()) {
    let (block, _) = parts(data);
    // SAFETY: the pointer as in `clone`. Only a waker that owns a count is ever dropped, and this
    // gives that count back.
    drop(unsafe { Arc::from_raw(block) });
}
