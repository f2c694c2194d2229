//! Which data races Rust refuses to build, and what it still lets you do wrong.
//!
//! # The update that Python loses
//!
//! Item 54 of *Effective Python* is about code like this, in which five threads count together:
//!
//! ```python
//! counter = 0
//!
//! def worker(readings):
//!     global counter
//!     for reading in readings:
//!         counter += weight(reading)      # read, call, add, write: not one step
//! ```
//!
//! The interpreter's lock protects the interpreter, not the program. It may be handed on between the read and the write:
//!
//! | `counter` | thread A | thread B |
//! |---:|---|---|
//! | 41 | reads 41 | |
//! | 41 | *(handed on)* | reads 41 |
//! | 42 | | writes 41 + 1 |
//! | 42 | writes 41 + 1 | |
//!
//! Two updates, and the count went up by one. Nothing says so, and it is rare enough to pass every test: five threads that
//! counted 200,000 times each like this reached the full 1,000,000 under CPython 3.11 as it is, and 356,960 when it handed
//! its lock on every 10 µs (`sys.setswitchinterval`). Where it may be handed on differs from version to version, and a
//! free-threaded build has no such lock at all.
//!
//! # What Rust refuses
//!
//! A data race is memory that one thread writes while another one reads or writes it, without an order between them. In
//! safe Rust no program with one compiles. Each example below is a test that it does not, and of the reason (the error
//! code).
//!
//! **Two threads that both change a variable**, the program above: only one may borrow it for changing.
//!
//! ```compile_fail,E0499
//! let mut counter = 0;
//! std::thread::scope(|scope| {
//!     scope.spawn(|| counter += 1);
//!     scope.spawn(|| counter += 1);
//! });
//! ```
//!
//! **Reading while another thread writes**: nobody may look while somebody may change it.
//!
//! ```compile_fail,E0502
//! let mut counter = 0;
//! std::thread::scope(|scope| {
//!     scope.spawn(|| counter += 1);
//!     println!("{counter}");
//! });
//! ```
//!
//! **A thread that may outlive what it uses**: one that is not scoped has to own it, or share the ownership (`Arc`).
//!
//! ```compile_fail,E0373
//! let readings = vec![1, 2, 3];
//! let thread = std::thread::spawn(|| readings.len());
//! println!("{readings:?}");
//! thread.join().unwrap();
//! ```
//!
//! **Using what was handed over.** A value that was moved into a thread is no longer here.
//!
//! ```compile_fail,E0382
//! let mut readings = vec![1, 2, 3];
//! let thread = std::thread::spawn(move || readings.len());
//! readings.push(4);
//! thread.join().unwrap();
//! ```
//!
//! **A global that everybody changes**: Python's `global counter`. Any use of one is `unsafe`; an atomic or a mutex is not.
//!
//! ```compile_fail,E0133
//! static mut COUNTER: u64 = 0;
//! let thread = std::thread::spawn(|| COUNTER += 1);
//! thread.join().unwrap();
//! ```
//!
//! **Sharing is not changing**: what is shared through an `Arc` can only be read,
//!
//! ```compile_fail,E0596
//! use std::sync::Arc;
//!
//! let readings = Arc::new(vec![1, 2, 3]);
//! let shared = Arc::clone(&readings);
//! std::thread::spawn(move || shared.push(4)).join().unwrap();
//! ```
//!
//! fields included.
//!
//! ```compile_fail,E0594
//! use std::sync::Arc;
//!
//! struct Tally { count: u64 }
//! let tally = Arc::new(Tally { count: 0 });
//! let shared = Arc::clone(&tally);
//! std::thread::spawn(move || shared.count += 1).join().unwrap();
//! ```
//!
//! **Types made for one thread**, whose own bookkeeping would race: a reference count that is not atomic cannot be sent,
//!
//! ```compile_fail,E0277
//! use std::rc::Rc;
//!
//! let readings = Rc::new(vec![1, 2, 3]);
//! std::thread::spawn(move || readings.len()).join().unwrap();
//! ```
//!
//! and a cell, which changes through a shared reference, cannot be shared. Here is the lost update once more: a `Cell` is
//! read, and then written.
//!
//! ```compile_fail,E0277
//! use std::cell::Cell;
//!
//! let counter = Cell::new(0);
//! std::thread::scope(|scope| {
//!     scope.spawn(|| counter.set(counter.get() + 1));
//!     scope.spawn(|| counter.set(counter.get() + 1));
//! });
//! ```
//!
//! **Going around a lock.** The value is inside the mutex, and there is no way to it but locking,
//!
//! ```compile_fail,E0614
//! use std::sync::Mutex;
//!
//! let counter = Mutex::new(0);
//! *counter += 1;
//! ```
//!
//! a reference to it lives no longer than the lock is held,
//!
//! ```compile_fail,E0597
//! use std::sync::Mutex;
//!
//! let readings = Mutex::new(vec![1, 2, 3]);
//! let first;
//! {
//!     let guard = readings.lock().unwrap();
//!     first = &guard[0];
//! } // unlocked
//! println!("{first}");
//! ```
//!
//! the lock cannot be let go while such a reference is in use,
//!
//! ```compile_fail,E0505
//! use effective_locks::TimedMutex;
//!
//! let readings = TimedMutex::new("readings", vec![1, 2, 3]);
//! let guard = readings.lock();
//! let first = &guard[0];
//! drop(guard);
//! println!("{first}");
//! ```
//!
//! and it is let go by the thread that took it: a guard cannot be sent to another one. Std's,
//!
//! ```compile_fail,E0277
//! use std::sync::Mutex;
//!
//! let counter = Mutex::new(0);
//! let guard = counter.lock().unwrap();
//! std::thread::scope(|scope| {
//!     scope.spawn(move || drop(guard));
//! });
//! ```
//!
//! and those of this crate.
//!
//! ```compile_fail,E0277
//! use effective_locks::TimedMutex;
//!
//! let counter = TimedMutex::new("counter", 0);
//! let guard = counter.lock();
//! std::thread::scope(|scope| {
//!     scope.spawn(move || drop(guard));
//! });
//! ```
//!
//! **Reading a reader-writer lock does not let you write.**
//!
//! ```compile_fail,E0594
//! use std::sync::RwLock;
//!
//! let counter = RwLock::new(0);
//! *counter.read().unwrap() += 1;
//! ```
//!
//! **Taking the result before all have delivered.** The handles of a sharded map borrow it, so the whole of it cannot be
//! had while there is one that has not been merged.
//!
//! ```compile_fail,E0505
//! use effective_locks::sharded::Map;
//!
//! let counts: Map<&str, u64> = Map::new();
//! let mut mine = counts.local(|total, mine| *total += mine);
//! mine.update("word", |count| *count += 1);
//! let counts = counts.into_map();
//! drop(mine);
//! ```
//!
//! # What it lets you do wrong
//!
//! No data race is not no race. These compile; all of them are about *which* steps belong together, and that only you know.
//!
//! **The lost update, in atomics.** Each step is atomic, the two together are not. The barrier makes the bad order certain,
//! which would otherwise come once in a million times:
//!
//! ```
//! use std::sync::Barrier;
//! use std::sync::atomic::{AtomicU64, Ordering};
//! use std::thread;
//!
//! let (counter, both_have_read) = (AtomicU64::new(41), Barrier::new(2));
//! thread::scope(|scope| {
//!     for _ in 0..2 {
//!         scope.spawn(|| {
//!             let value = counter.load(Ordering::SeqCst);
//!             both_have_read.wait();
//!             counter.store(value + 1, Ordering::SeqCst);
//!         });
//!     }
//! });
//! assert_eq!(counter.into_inner(), 42); // and not 43
//! ```
//!
//! No ordering repairs that, not even `SeqCst`. One step does: `fetch_add`, or `fetch_update` for anything else.
//! `tests/model_check.rs` shows that the first loses an update in some order, and the second in none.
//!
//! **Check, then act, under two locks.** What was checked need not hold any more when the lock is taken again:
//!
//! ```
//! use std::sync::{Barrier, Mutex};
//! use std::thread;
//!
//! let (balance, both_have_looked) = (Mutex::new(100), Barrier::new(2));
//! thread::scope(|scope| {
//!     for _ in 0..2 {
//!         scope.spawn(|| {
//!             let enough = *balance.lock().unwrap() >= 80; // unlocked at the end of this line
//!             both_have_looked.wait();
//!             if enough {
//!                 *balance.lock().unwrap() -= 80;
//!             }
//!         });
//!     }
//! });
//! assert_eq!(balance.into_inner().unwrap(), -60);
//! ```
//!
//! Hold one guard over both, or use one call that does both: `update` of [`sharded::Map`](crate::sharded::Map) is one.
//!
//! **Two locks in two orders** wait for each other for ever, once each thread has its first one. Take locks in the same
//! order everywhere, by address or rank if nothing else offers itself; or give up after a while and let go of what you
//! have. [`TimedMutex`](crate::TimedMutex) makes an error of the hang, which says who has the lock and where it was taken:
//!
//! ```
//! use std::sync::Barrier;
//! use std::thread;
//! use std::time::Duration;
//! use effective_locks::TimedMutex;
//!
//! let (from, to) = (TimedMutex::new("from", 100), TimedMutex::new("to", 0));
//! let both_have_one = Barrier::new(2);
//! let transfer = |first: &TimedMutex<i32>, second: &TimedMutex<i32>| {
//!     let _first = first.lock();
//!     both_have_one.wait();
//!     let outcome = second.lock_timeout(Duration::from_millis(20)).map(drop);
//!     both_have_one.wait();
//!     outcome
//! };
//! thread::scope(|scope| {
//!     let there = scope.spawn(|| transfer(&from, &to));
//!     let back = transfer(&to, &from);
//!     for error in [there.join().unwrap(), back].map(Result::unwrap_err) {
//!         assert!(error.to_string().contains("never changed hands"));
//!     }
//! });
//! ```
//!
//! **A lock that its own thread has already** is a hang or a panic with std's mutex. A closure given to a sharded map must
//! not use that map, for the same reason.
//!
//! **A value left half-changed.** A panic under a lock leaves the value as it was at that moment. Std's mutex is poisoned
//! then and says so to the next one; parking_lot's, and those of this crate, are not. Change the value in one step at the
//! end, or check it.
