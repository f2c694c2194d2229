//! Data races that Rust refuses to compile, and race conditions that it does not.
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
//! The lock of the interpreter protects the interpreter, not the program. It may be released
//! between the read and the write:
//!
//! | `counter` | thread A | thread B |
//! |---:|---|---|
//! | 41 | reads 41 | |
//! | 41 | *(lock released)* | reads 41 |
//! | 42 | | writes 41 + 1 |
//! | 42 | writes 41 + 1 | |
//!
//! Two updates, and the count went up by one. There is no error, and it is rare enough to pass
//! every test: five threads that counted 200,000 times each like this reached the full 1,000,000
//! under CPython 3.11 by default, and 356,960 when it released its lock every 10 µs
//! (`sys.setswitchinterval`). Where it is released differs between versions, and a free-threaded
//! build has no such lock at all.
//!
//! # Data races: refused
//!
//! A data race is memory that one thread writes while another thread reads or writes it, without an
//! order between them. Safe Rust compiles no program with a data race. Each example below is a test
//! that the program is refused, with the expected error code.
//!
//! **Two threads that both change a variable**, as in the program above: only one may borrow it
//! mutably.
//!
//! ```compile_fail,E0499
//! let mut counter = 0;
//! std::thread::scope(|scope| {
//!     scope.spawn(|| counter += 1);
//!     scope.spawn(|| counter += 1);
//! });
//! ```
//!
//! **Reading while another thread writes**: no shared borrow is allowed during a mutable one.
//!
//! ```compile_fail,E0502
//! let mut counter = 0;
//! std::thread::scope(|scope| {
//!     scope.spawn(|| counter += 1);
//!     println!("{counter}");
//! });
//! ```
//!
//! **A thread that may outlive its data**: a thread that is not scoped must own its data, or share
//! the ownership (`Arc`).
//!
//! ```compile_fail,E0373
//! let readings = vec![1, 2, 3];
//! let thread = std::thread::spawn(|| readings.len());
//! println!("{readings:?}");
//! thread.join().unwrap();
//! ```
//!
//! **Using a value after it was moved into a thread.**
//!
//! ```compile_fail,E0382
//! let mut readings = vec![1, 2, 3];
//! let thread = std::thread::spawn(move || readings.len());
//! readings.push(4);
//! thread.join().unwrap();
//! ```
//!
//! **A mutable global**, Python's `global counter`: any use is `unsafe`. An atomic or a mutex is
//! not.
//!
//! ```compile_fail,E0133
//! static mut COUNTER: u64 = 0;
//! let thread = std::thread::spawn(|| COUNTER += 1);
//! thread.join().unwrap();
//! ```
//!
//! **Changing shared data**: an `Arc` gives read access only,
//!
//! ```compile_fail,E0596
//! use std::sync::Arc;
//!
//! let readings = Arc::new(vec![1, 2, 3]);
//! let shared = Arc::clone(&readings);
//! std::thread::spawn(move || shared.push(4)).join().unwrap();
//! ```
//!
//! which includes fields.
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
//! **Types for a single thread**, whose own state would race: a reference count that is not atomic
//! cannot be sent,
//!
//! ```compile_fail,E0277
//! use std::rc::Rc;
//!
//! let readings = Rc::new(vec![1, 2, 3]);
//! std::thread::spawn(move || readings.len()).join().unwrap();
//! ```
//!
//! and a cell, which changes through a shared reference, cannot be shared. This is the lost update
//! again: a `Cell` is read and then written.
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
//! **Bypassing a lock.** The value is inside the mutex and reachable only by locking,
//!
//! ```compile_fail,E0614
//! use std::sync::Mutex;
//!
//! let counter = Mutex::new(0);
//! *counter += 1;
//! ```
//!
//! a reference to the value cannot outlive the guard,
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
//! the mutex cannot be unlocked while such a reference is in use,
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
//! and it is unlocked by the thread that locked it: a guard cannot be sent to another thread. This
//! holds for std,
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
//! and for this crate.
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
//! **Writing through the read guard of a reader-writer lock.**
//!
//! ```compile_fail,E0594
//! use std::sync::RwLock;
//!
//! let counter = RwLock::new(0);
//! *counter.read().unwrap() += 1;
//! ```
//!
//! **Taking the result before all threads have merged theirs.** The handles of a sharded map borrow
//! it, so the map cannot be consumed while one of them has not been merged.
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
//! # Race conditions: not refused
//!
//! A program without data races can still have race conditions. The following compile: the compiler
//! cannot know which steps belong together.
//!
//! **The lost update, with atomics.** Each step is atomic, the two together are not. The barrier
//! forces the bad order, which would otherwise occur once in a million times:
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
//! assert_eq!(counter.into_inner(), 42); // not 43
//! ```
//!
//! No memory ordering fixes that, not even `SeqCst`. A single step does: `fetch_add`, or
//! `fetch_update` for anything else. `tests/model_check.rs` shows that load and store lose an
//! update in some interleaving, and `fetch_add` in none.
//!
//! **Check, then act, under two separate locks.** The condition may no longer hold when the lock is
//! taken again:
//!
//! ```
//! use std::sync::{Barrier, Mutex};
//! use std::thread;
//!
//! let (balance, both_have_checked) = (Mutex::new(100), Barrier::new(2));
//! thread::scope(|scope| {
//!     for _ in 0..2 {
//!         scope.spawn(|| {
//!             let enough = *balance.lock().unwrap() >= 80; // unlocked at the end of this line
//!             both_have_checked.wait();
//!             if enough {
//!                 *balance.lock().unwrap() -= 80;
//!             }
//!         });
//!     }
//! });
//! assert_eq!(balance.into_inner().unwrap(), -60);
//! ```
//!
//! Hold one guard for both steps, or use a call that does both, such as `update` of
//! [`sharded::Map`](crate::sharded::Map).
//!
//! **Two locks in two orders** deadlock once each thread holds its first one. Lock in the same
//! order everywhere, by address or rank if there is no natural order, or time out and release the
//! locks that you hold. [`TimedMutex`](crate::TimedMutex) turns the hang into an error that says
//! which thread holds the lock and where it was locked:
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
//! **Locking a mutex twice in one thread** hangs or panics with the mutex of std. For the same
//! reason, a closure passed to a sharded map must not use that map.
//!
//! **A value left half changed.** A panic under a lock leaves the value as it is at that moment.
//! The mutex of std is then poisoned, and the next `lock` returns an error; the mutexes of
//! parking_lot and of this crate are not. Change the value in a single step at the end, or check
//! it.
