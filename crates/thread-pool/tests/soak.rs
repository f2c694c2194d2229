//! Full load with all kinds of faults, for `SOAK_SECONDS` seconds (default 1): no job is lost, and
//! the numbers of threads and memory return to where they were.
#![cfg(target_os = "linux")]

mod support;

use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use effective_thread_pool::{Handle, JobError, ThreadPool, WaitFor, as_completed, wait_timeout};

/// The counts of accepted jobs and of their ends.
#[derive(Default)]
struct Books {
    accepted: AtomicU64,
    done: AtomicU64,
    panicked: AtomicU64,
    cancelled: AtomicU64,
    callbacks: AtomicU64,
    timeouts: AtomicU64,
}

impl Books {
    fn add(&self, count: &AtomicU64) {
        count.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> [u64; 6] {
        let counts = [
            &self.accepted,
            &self.done,
            &self.panicked,
            &self.cancelled,
            &self.callbacks,
            &self.timeouts,
        ];
        counts.map(|count| count.load(Ordering::Relaxed))
    }

    /// Counts the end of one job.
    fn enter<R>(&self, result: &Result<R, JobError>) {
        match result {
            Ok(_) => self.add(&self.done),
            Err(JobError::Panicked(_)) => self.add(&self.panicked),
            Err(JobError::Cancelled) => self.add(&self.cancelled),
            Err(other) => panic!("{other}"),
        }
    }
}

/// Reproducible random numbers.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A job of random length that sometimes panics, with one of two kinds of payload.
fn work(seed: u64) -> u64 {
    let mut dice = Dice(seed);
    match dice.roll(20) {
        0 => thread::sleep(Duration::from_micros(dice.roll(200))),
        1 => thread::yield_now(),
        2 => panic_any(seed),
        3 => panic!("soaked"),
        _ => (0..dice.roll(500)).for_each(|_| std::hint::spin_loop()),
    }
    seed
}

fn submit(pool: &ThreadPool, books: &Arc<Books>, dice: &mut Dice) -> Handle<u64> {
    let seed = dice.roll(u64::MAX >> 33);
    let job = move || work(seed);
    let mut handle = match dice.roll(3) {
        0 => pool.submit(job).expect("open"),
        1 => pool
            .try_submit(job)
            .or_else(|full| pool.submit(full.into_job()))
            .expect("open"),
        _ => pool
            .submit_timeout(job, Duration::from_micros(dice.roll(300)))
            .or_else(|full| pool.submit(full.into_job()))
            .expect("open"),
    };
    books.add(&books.accepted);
    if dice.roll(4) == 0 {
        let counted = Arc::clone(books);
        let bad = dice.roll(4) == 0;
        handle.on_complete(move |_| {
            counted.add(&counted.callbacks);
            assert!(!bad, "a callback panics");
        });
    }
    if dice.roll(10) == 0 {
        handle.cancel();
    }
    handle
}

/// One round of one submitter.
fn round(pool: &Arc<ThreadPool>, books: &Arc<Books>, dice: &mut Dice) {
    let handles: Vec<_> = (0..1 + dice.roll(30))
        .map(|_| submit(pool, books, dice))
        .collect();
    match dice.roll(8) {
        0 => handles
            .into_iter()
            .for_each(|handle| books.enter(&handle.wait())),
        1 => as_completed(handles).for_each(|(_, result)| books.enter(&result)),
        2 => {
            // Abandons the iterator, and awaits the rest.
            let mut results = as_completed(handles);
            for _ in 0..3 {
                match results.next_timeout(Duration::from_micros(50)) {
                    Ok(Some((_, result))) => books.enter(&result),
                    Ok(None) => {}
                    Err(_) => books.add(&books.timeouts),
                }
            }
            for (_, handle) in results.into_rest() {
                books.enter(&futures::executor::block_on(handle));
            }
        }
        3 => {
            let mut handles = handles;
            let until = [WaitFor::FirstCompleted, WaitFor::FirstError, WaitFor::All];
            let until = until[usize::try_from(dice.roll(3)).expect("small")];
            let waited = wait_timeout(&mut handles, until, Duration::from_micros(100));
            if !waited.pending.is_empty() {
                books.add(&books.timeouts);
            }
            handles
                .into_iter()
                .for_each(|handle| books.enter(&handle.wait()));
        }
        4 => {
            for handle in handles {
                match handle.wait_timeout(Duration::from_micros(dice.roll(100))) {
                    Ok(result) => books.enter(&result),
                    Err(late) => {
                        books.add(&books.timeouts);
                        books.enter(&late.wait());
                    }
                }
            }
        }
        5 => {
            // A job that submits and collects jobs itself, on a worker.
            let (inner, seed) = (Arc::clone(pool), dice.roll(1 << 20));
            let outer = pool.submit(move || {
                let mut dice = Dice(seed);
                let books = Arc::new(Books::default());
                let children: Vec<_> = (0..4).map(|_| submit(&inner, &books, &mut dice)).collect();
                as_completed(children).for_each(|(_, result)| books.enter(&result));
                let [accepted, done, panicked, cancelled, ..] = books.read();
                assert_eq!(accepted, done + panicked + cancelled);
                inner.mapping().stream(0..10, work).count()
            });
            assert_eq!(outer.expect("open").wait().expect("no panic"), 10);
            handles
                .into_iter()
                .for_each(|handle| books.enter(&handle.wait()));
        }
        6 => {
            let ended = AtomicU64::new(0);
            let count = dice.roll(20);
            let result = pool.scope(|scope| {
                for seed in 0..count {
                    let ended = &ended;
                    drop(scope.submit(move || {
                        ended.fetch_add(1, Ordering::Relaxed);
                        work(seed)
                    }));
                }
            });
            assert!(
                matches!(result, Ok(()) | Err(JobError::Panicked(_))),
                "{result:?}"
            );
            assert_eq!(ended.into_inner(), count);
            handles
                .into_iter()
                .for_each(|handle| books.enter(&handle.wait()));
        }
        _ => {
            let results = pool.map(0..50, work);
            assert_eq!(results.len(), 50);
            // Dropped before its end.
            let mut results = pool.mapping().stream(0.., work);
            for _ in 0..dice.roll(30) {
                assert!(results.next().is_some());
            }
            drop(results);
            drop(pool.mapping().start(0..100, work));
            handles
                .into_iter()
                .for_each(|handle| books.enter(&handle.wait()));
        }
    }
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("Linux").count()
}

/// Resident memory in KiB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("a process has memory");
    let number = line.split_whitespace().nth(1).expect("a number");
    number.parse().expect("a number")
}

fn run(seconds: f64, seed: u64) -> [u64; 6] {
    let pool = Arc::new(
        ThreadPool::builder()
            // Threads start and retire all the time.
            .workers(4)
            .min_workers(1)
            .idle_timeout(Duration::from_micros(300))
            .name_prefix("soak")
            .max_pending(64)
            .initializer(|_| Ok::<_, std::io::Error>(()))
            .callback_panic_handler(drop)
            .build()
            .expect("the system has a thread to spare"),
    );
    let books = Arc::new(Books::default());
    let start = Instant::now();
    thread::scope(|threads| {
        for submitter in 0..3 {
            let (pool, books) = (&pool, &books);
            threads.spawn(move || {
                let mut dice = Dice(seed + submitter);
                while start.elapsed().as_secs_f64() < seconds {
                    round(pool, books, &mut dice);
                }
            });
        }
    });
    let pool = Arc::into_inner(pool).expect("all jobs that held it have ended");
    pool.shutdown();
    books.read()
}

#[test]
fn soak() {
    let seconds: f64 = match std::env::var("SOAK_SECONDS") {
        Ok(text) => text.parse().expect("SOAK_SECONDS is a number of seconds"),
        Err(_) => 1.0,
    };
    // Silences the thousands of intended panics.
    std::panic::set_hook(Box::new(|info| {
        let meant = info.payload().is::<u64>()
            || info.payload_as_str() == Some("soaked")
            || info.payload_as_str() == Some("a callback panics");
        if !meant {
            eprintln!("{info}");
        }
    }));
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::spawn(move || {
        // The first part fills caches and arenas, so its memory is the baseline for the second
        // part.
        let before = threads();
        let warm = run(seconds / 4.0, 1);
        let resident = memory();
        let soaked = run(seconds * 3.0 / 4.0, 100);
        sender
            .send((before, warm, resident, soaked))
            .expect("the test waits");
    });
    let limit = Duration::from_secs_f64(seconds + 120.0);
    let (before, warm, resident, soaked) = receiver
        .recv_timeout(limit)
        .expect("it hangs, or a thread of it panicked");
    for [accepted, done, panicked, cancelled, callbacks, timeouts] in [warm, soaked] {
        println!(
            "{accepted} jobs accepted: {done} done, {panicked} panicked, {cancelled} cancelled; \
             {callbacks} callbacks, {timeouts} timeouts"
        );
        assert_eq!(accepted, done + panicked + cancelled);
        assert!(done > 0 && panicked > 0 && cancelled > 0 && callbacks > 0 && timeouts > 0);
    }
    let grown = memory().saturating_sub(resident);
    println!("resident memory: {resident} KiB after the first part, {grown} KiB more at the end");
    // AddressSanitizer keeps freed memory for a while.
    assert!(
        grown < 16 << 10 || cfg!(address_sanitizer),
        "{grown} KiB more"
    );
    // The thread that counted them has exited, so there may be one fewer.
    support::eventually(|| threads() <= before);
}
