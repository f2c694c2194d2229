//! The one place where a borrow is hidden from the compiler: a job that borrows goes through queues that hold only what
//! borrows nothing.
#![allow(
    unsafe_code,
    reason = "no safe code makes a scoped job out of one that borrows"
)]

use std::sync::{Arc, Mutex};

use super::Scope;
use super::loans::Loan;
use crate::lock;

/// Where the result of a scoped job waits for its handle.
pub(super) struct Packet<R>(Mutex<Option<R>>);

impl<R> Packet<R> {
    pub(super) fn take(&self) -> Option<R> {
        lock(&self.0).take()
    }
}

/// A job, and what it leaves behind. Dropped as it stands (when it is cancelled) the loan comes last: fields are dropped
/// in the order of their declaration, however many of them panic.
struct Borrowing<F, R> {
    job: F,
    packet: Arc<Packet<R>>,
    loan: Loan,
}

impl<F, R> Borrowing<F, R>
where
    F: FnOnce() -> R,
{
    fn run(self) {
        // Locals are dropped in the opposite order, so this one goes last, also when the job panics.
        let _loan = self.loan;
        let packet = self.packet;
        let result = (self.job)();
        *lock(&packet.0) = Some(result);
        // The last reference, and with it the result, if the handle was dropped: while the loan still stands.
        drop(packet);
    }
}

/// A job that borrows for `'scope`, as one that the queues take; and the place of its result.
pub(super) fn erase<'scope, F, R>(
    scope: &'scope Scope<'scope, '_>,
    job: F,
) -> (Box<dyn FnOnce() + Send>, Arc<Packet<R>>)
where
    F: FnOnce() -> R + Send + 'scope,
    R: Send + 'scope,
{
    let packet = Arc::new(Packet(Mutex::new(None)));
    let borrowing = Borrowing {
        job,
        packet: Arc::clone(&packet),
        loan: scope.lend(),
    };
    let job: Box<dyn FnOnce() + Send + 'scope> = Box::new(move || borrowing.run());
    // SAFETY: The two types differ in the lifetime alone. What could go wrong is that something of `'scope` is touched
    // after `'scope` has ended. `'scope` is the time for which `ThreadPool::scope` lends out its `Scope`, the only place
    // that makes one, and that function does not go on, be it by returning or by unwinding, before every loan is
    // repaid. The box holds a loan. Called, it repays only after the job, its result (or its panic) and all it captured
    // are moved out to the packet or dropped; dropped without a call, it repays after the same. If it is leaked, the
    // loan is never repaid and `scope` never goes on. What is left after that is the memory of the box itself, which is
    // freed without being looked at. The packet outlives the loan only in the handle of the job, whose type still has
    // `'scope`: the compiler keeps that one inside.
    let erased = unsafe {
        std::mem::transmute::<Box<dyn FnOnce() + Send + 'scope>, Box<dyn FnOnce() + Send + 'static>>(
            job,
        )
    };
    (erased, packet)
}
