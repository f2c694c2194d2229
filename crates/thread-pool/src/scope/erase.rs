//! Lifetime erasure: the one place where a borrow is hidden from the compiler, so that a scoped job
//! can go through queues of `'static` jobs.
#![allow(
    unsafe_code,
    reason = "no safe code makes a scoped job out of one that borrows"
)]

use std::mem::{ManuallyDrop, MaybeUninit};
use std::sync::Arc;

use super::loans::Loan;
use crate::sync::{Mutex, lock};

/// The slot in which the result of a scoped job waits for its handle.
pub(super) struct Packet<R>(Mutex<Option<R>>);

impl<R> Packet<R> {
    pub(super) fn take(&self) -> Option<R> {
        lock(&self.0).take()
    }
}

/// A value that may hold references whose lifetime ends while functions that took it as an argument
/// still run.
///
/// The compiler may rely on a reference in an argument until the function returns, whether or not
/// the function still uses it: until then, the memory must not be freed, or accessed in conflict
/// with the reference. It relies on nothing inside a `MaybeUninit`.
struct MaybeDangling<V>(MaybeUninit<V>);

impl<V> MaybeDangling<V> {
    fn new(value: V) -> Self {
        Self(MaybeUninit::new(value))
    }

    fn into_inner(self) -> V {
        let this = ManuallyDrop::new(self);
        // SAFETY: `new` has put a value in. It is moved out once: this call consumes `self` and
        // does not drop it.
        unsafe { this.0.assume_init_read() }
    }
}

impl<V> Drop for MaybeDangling<V> {
    fn drop(&mut self) {
        // SAFETY: `new` has put a value in, and `into_inner` has not moved it out, since it drops
        // no `Self`.
        unsafe { self.0.assume_init_drop() }
    }
}

/// A job, the slot of its result, and its loan. The loan is repaid inside [`run`](Self::run), and
/// inside the box around that: the job, which holds what is borrowed, is an argument of both, so it
/// is a `MaybeDangling`.
///
/// Dropped without a run (when cancelled), the loan is dropped last, since fields are dropped in
/// declaration order, even if one of them panics.
struct Borrowing<F, R> {
    job: MaybeDangling<F>,
    packet: Arc<Packet<R>>,
    loan: Loan,
}

impl<F, R> Borrowing<F, R>
where
    F: FnOnce() -> R,
{
    fn run(self) {
        // Locals are dropped in reverse order, so this one is dropped last, even if the job panics.
        let _loan = self.loan;
        let packet = self.packet;
        // The job's references are arguments of this call alone, which has returned or unwound by
        // the time the loan is repaid.
        let result = self.job.into_inner()();
        *lock(&packet.0) = Some(result);
        // If the handle was dropped, this drops the result, while the loan is still held.
        drop(packet);
    }
}

/// Turns a job that borrows for `'scope` into one that the queues accept. Also returns the slot of
/// its result.
///
/// # Safety
/// `'scope` does not end before `loan` is repaid, and the packet is not used after `'scope`.
pub(super) unsafe fn erase<'scope, F, R>(
    job: F,
    loan: Loan,
) -> (Box<dyn FnOnce() + Send>, Arc<Packet<R>>)
where
    F: FnOnce() -> R + Send + 'scope,
    R: Send + 'scope,
{
    let packet = Arc::new(Packet(Mutex::new(None)));
    let borrowing = Borrowing {
        job: MaybeDangling::new(job),
        packet: Arc::clone(&packet),
        loan,
    };
    let job: Box<dyn FnOnce() + Send + 'scope> = Box::new(move || borrowing.run());
    // SAFETY: The two types differ in the lifetime alone. Nothing of `'scope` may be used after
    // `'scope` has ended, which by the caller's contract is after the loan is repaid. The box holds
    // the loan:
    // - Called, it repays after the job and all the job captured are dropped, and the result (or
    //   the panic) is moved out to the packet or dropped.
    // - Dropped without a call, it repays after the same.
    // - Leaked, it never repays, so `'scope` never ends.
    //
    // After the loan is repaid, functions that took the job as an argument still run:
    // `Borrowing::run`, the closure in the box, and the drop glue of both. None of them touches the
    // job. That alone would not be enough, since a reference in an argument has to stay valid until
    // the function returns; but their argument holds the job in a `MaybeDangling`, which holds no
    // reference as far as the compiler is concerned. Only the memory of the box is left then, and
    // it is freed without being read. The packet outlives the loan only in the handle of the job,
    // whose type still has `'scope`: the compiler keeps that one inside.
    let erased = unsafe {
        std::mem::transmute::<Box<dyn FnOnce() + Send + 'scope>, Box<dyn FnOnce() + Send + 'static>>(
            job,
        )
    };
    (erased, packet)
}
