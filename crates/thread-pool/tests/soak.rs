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
use support::proc::{live_threads, resident_kib};
use support::random::Random;
use support::{soak_time, within};

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

/// A job of random length that sometimes panics, with one of two kinds of payload.
fn work(seed: u64) -> u64 {
    let mut random = Random(seed + 1);
    match random.below(20) {
        0 => thread::sleep(Duration::from_micros(random.below(200))),
        1 => thread::yield_now(),
        2 => panic_any(seed),
        3 => panic!("soaked"),
        _ => (0..random.below(500)).for_each(|_| std::hint::spin_loop()),
    }
    seed
}

fn submit(pool: &ThreadPool, books: &Arc<Books>, random: &mut Random) -> Handle<u64> {
    let seed = random.below(u64::MAX >> 33);
    let job = move || work(seed);
    let mut handle = match random.below(3) {
        0 => pool.submit(job).expect("open"),
        1 => pool
            .try_submit(job)
            .or_else(|full| pool.submit(full.into_job()))
            .expect("open"),
        _ => pool
            .submit_timeout(job, Duration::from_micros(random.below(300)))
            .or_else(|full| pool.submit(full.into_job()))
            .expect("open"),
    };
    books.add(&books.accepted);
    if random.below(4) == 0 {
        let counted = Arc::clone(books);
        let bad = random.below(4) == 0;
        handle.on_complete(move |_| {
            counted.add(&counted.callbacks);
            assert!(!bad, "a callback panics");
        });
    }
    if random.below(10) == 0 {
        handle.cancel();
    }
    handle
}

/// One round of one submitter.
fn round(pool: &Arc<ThreadPool>, books: &Arc<Books>, random: &mut Random) {
    let handles: Vec<_> = (0..1 + random.below(30))
        .map(|_| submit(pool, books, random))
        .collect();
    match random.below(8) {
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
            let until = until[usize::try_from(random.below(3)).expect("small")];
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
                match handle.wait_timeout(Duration::from_micros(random.below(100))) {
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
            let (inner, seed) = (Arc::clone(pool), random.below(1 << 20));
            let outer = pool.submit(move || {
                let mut random = Random(seed + 1);
                let books = Arc::new(Books::default());
                let children: Vec<_> = (0..4)
                    .map(|_| submit(&inner, &books, &mut random))
                    .collect();
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
            let count = random.below(20);
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
            for _ in 0..random.below(30) {
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

fn run(time: Duration, seed: u64) -> [u64; 6] {
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
                let mut random = Random(seed + submitter);
                while start.elapsed() < time {
                    round(pool, books, &mut random);
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
    let time = soak_time();
    // Silences the thousands of intended panics.
    std::panic::set_hook(Box::new(|info| {
        let meant = info.payload().is::<u64>()
            || info.payload_as_str() == Some("soaked")
            || info.payload_as_str() == Some("a callback panics");
        if !meant {
            eprintln!("{info}");
        }
    }));
    let (before, warm, resident, soaked) = within(time + Duration::from_secs(120), move || {
        // The first part fills caches and arenas, so its memory is the baseline for the second
        // part.
        let before = live_threads();
        let warm = run(time / 4, 1);
        let resident = resident_kib();
        let soaked = run(time * 3 / 4, 100);
        (before, warm, resident, soaked)
    });
    for [accepted, done, panicked, cancelled, callbacks, timeouts] in [warm, soaked] {
        println!(
            "{accepted} jobs accepted: {done} done, {panicked} panicked, {cancelled} cancelled; \
             {callbacks} callbacks, {timeouts} timeouts"
        );
        assert_eq!(accepted, done + panicked + cancelled);
        assert!(done > 0 && panicked > 0 && cancelled > 0 && callbacks > 0 && timeouts > 0);
    }
    let grown = resident_kib().saturating_sub(resident);
    println!("resident memory: {resident} KiB after the first part, {grown} KiB more at the end");
    // AddressSanitizer keeps freed memory for a while.
    assert!(
        grown < 16 << 10 || cfg!(address_sanitizer),
        "{grown} KiB more"
    );
    // The thread that counted them has exited, so there may be one fewer.
    support::eventually(|| live_threads() <= before);
}
