//! `process-pool` against its rivals, in one run.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::thread;
use std::time::{Duration, Instant};

use effective_process_pool::{Buffer, JobError, ProcessPool, job, register};
use process_pool_rivals::ipc::Ipc;
use process_pool_rivals::pipe::Pipe;
use process_pool_rivals::processes::{Bouncing, bounce};
use process_pool_rivals::python::Python;
use process_pool_rivals::threads::Pair;
use workload_rivals::{Contest, Settings, timed};

job! {
    fn next(number: u64) -> u64 { number + 1 }
    fn hold(buffer: Buffer) -> Buffer { buffer }
    fn nap(milliseconds: u64) { thread::sleep(Duration::from_millis(milliseconds)) }
}

const OUTSTANDING: usize = 64;
const PAUSE: Duration = Duration::from_millis(1);
const LARGE: usize = 64 << 20;

fn main() {
    let program = register![next, hold, nap, bounce];
    process_pool_rivals::enter();
    procspawn::init();
    let settings = Settings::from_args();
    let pool = ProcessPool::new(&program, 1).expect("a pool");
    let others = Others {
        pipe: RefCell::new(Pipe::start()),
        ipc: Ipc::start(),
        procspawn: procspawn::Pool::new(1).expect("a pool"),
        python: match Python::start() {
            Ok(python) => Some(RefCell::new(python)),
            Err(why) => {
                eprintln!("{why}: its rows are left out");
                None
            }
        },
    };
    hot(&pool, &others, &settings);
    cold(&pool, &others, &settings);
    outstanding(&pool, &others, &settings);
    map(&pool, &others, &settings);
    large(&pool, &others, &settings);
    looks(&pool, &settings);
}

struct Others {
    pipe: RefCell<Pipe>,
    ipc: Ipc,
    procspawn: procspawn::Pool,
    python: Option<RefCell<Python>>,
}

impl Others {
    fn pipe_trip(&self, number: u64) -> u64 {
        let mut pipe = self.pipe.borrow_mut();
        pipe.send(number);
        pipe.receive()
    }

    fn ipc_trip(&self, number: u64) -> u64 {
        self.ipc.send(number);
        self.ipc.receive()
    }

    fn procspawn_trip(&self, number: u64) -> u64 {
        procspawn::spawn!(in self.procspawn, (number => number) || number + 1)
            .join()
            .expect("a result")
    }
}

const PYTHON: &str = "Python ProcessPoolExecutor";

/// Adds Python to a contest, if it runs. Being slow, it does 1/`share` of the work, and its time is
/// scaled up.
fn with_python<'a>(
    contest: Contest<'a>,
    others: &'a Others,
    work: &'static str,
    count: u64,
    share: u32,
) -> Contest<'a> {
    match &others.python {
        Some(python) => contest.rival(PYTHON, move || {
            python.borrow_mut().time(work, count / u64::from(share)) * share
        }),
        None => contest,
    }
}

fn pool_trip(pool: &ProcessPool, number: u64) -> u64 {
    pool.submit::<next>(number)
        .expect("accepted")
        .wait()
        .expect("a result")
}

/// Makes `count` round trips, one after another. Uncounted ones before them warm up.
fn trips(count: u64, trip: impl Fn(u64) -> u64) -> Duration {
    let go = |count| {
        for number in 0..count {
            assert_eq!(trip(number), number + 1);
        }
    };
    go(count / 2);
    timed(|| go(count))
}

/// The same with a pause before each, which is not counted.
fn cold_trips(count: u64, trip: impl Fn(u64) -> u64) -> Duration {
    let mut total = Duration::ZERO;
    for number in 0..count {
        thread::sleep(PAUSE);
        let start = Instant::now();
        assert_eq!(trip(number), number + 1);
        total += start.elapsed();
    }
    total
}

fn hot(pool: &ProcessPool, others: &Others, settings: &Settings) {
    const COUNT: u64 = 2_000;
    let contest = Contest::new("one job there and back, hot", "job", COUNT)
        .ours("process-pool", || {
            trips(COUNT, |number| pool_trip(pool, number))
        })
        .rival("pipe", || trips(COUNT, |number| others.pipe_trip(number)))
        .rival("ipc-channel", || {
            trips(COUNT, |number| others.ipc_trip(number))
        })
        .rival("procspawn", || {
            trips(COUNT, |number| others.procspawn_trip(number))
        })
        .limit("two processes that spin", || {
            let mut bouncing = Bouncing::start(pool, COUNT + COUNT / 2);
            let mut go = |count| (0..count).for_each(|_| bouncing.trip());
            go(COUNT / 2);
            let time = timed(|| go(COUNT));
            bouncing.finish();
            time
        })
        .limit("two threads that spin", || {
            let pair = Pair::start(false);
            let time = trips(COUNT, |number| {
                pair.trip();
                number + 1
            });
            pair.stop();
            time
        })
        .reach(0.5, "pipe");
    with_python(contest, others, "hot", COUNT, 10).run(settings);
}

fn cold(pool: &ProcessPool, others: &Others, settings: &Settings) {
    const COUNT: u64 = 40;
    let contest = Contest::new("one job there and back, cold", "job", COUNT)
        .ours("process-pool", || {
            cold_trips(COUNT, |number| pool_trip(pool, number))
        })
        .rival("pipe", || {
            cold_trips(COUNT, |number| others.pipe_trip(number))
        })
        .rival("ipc-channel", || {
            cold_trips(COUNT, |number| others.ipc_trip(number))
        })
        .rival("procspawn", || {
            cold_trips(COUNT, |number| others.procspawn_trip(number))
        })
        .limit("two threads and a futex", || {
            let pair = Pair::start(true);
            let time = cold_trips(COUNT, |number| {
                pair.trip();
                number + 1
            });
            pair.stop();
            time
        })
        .reach(1.5, "pipe");
    with_python(contest, others, "cold", COUNT, 1).run(settings);
}

/// Keeps `OUTSTANDING` jobs in flight.
fn window<T>(
    count: u64,
    mut send: impl FnMut(u64) -> T,
    mut receive: impl FnMut(T) -> u64,
) -> Duration {
    timed(|| {
        let mut under_way = VecDeque::with_capacity(OUTSTANDING);
        for number in 0..count {
            if under_way.len() == OUTSTANDING
                && let Some((sent, number)) = under_way.pop_front()
            {
                assert_eq!(receive(sent), number + 1);
            }
            under_way.push_back((send(number), number));
        }
        for (sent, number) in under_way {
            assert_eq!(receive(sent), number + 1);
        }
    })
}

fn outstanding(pool: &ProcessPool, others: &Others, settings: &Settings) {
    const COUNT: u64 = 4_000;
    let contest = Contest::new("64 jobs outstanding", "job", COUNT)
        .ours("process-pool", || {
            window(
                COUNT,
                |number| pool.submit::<next>(number).expect("accepted"),
                |handle| handle.wait().expect("a result"),
            )
        })
        .rival("pipe", || {
            window(
                COUNT,
                |number| others.pipe.borrow_mut().send(number),
                |()| others.pipe.borrow_mut().receive(),
            )
        })
        .rival("ipc-channel", || {
            window(
                COUNT,
                |number| others.ipc.send(number),
                |()| others.ipc.receive(),
            )
        })
        .rival("procspawn", || {
            window(
                COUNT,
                |number| procspawn::spawn!(in others.procspawn, (number => number) || number + 1),
                |handle| handle.join().expect("a result"),
            )
        })
        .reach(0.3, "pipe");
    with_python(contest, others, "submit", COUNT, 10).run(settings);
}

fn looks(pool: &ProcessPool, settings: &Settings) {
    const COUNT: u64 = 100_000;
    let mut handle = Some(pool.submit::<nap>(60_000).expect("accepted"));
    let asked = pool.submit::<nap>(60_000).expect("accepted");
    Contest::new("a look at a job that runs", "look", COUNT)
        .ours("process-pool wait_timeout(ZERO)", || {
            timed(|| {
                for _ in 0..COUNT {
                    let waited = handle
                        .take()
                        .expect("put back")
                        .wait_timeout(Duration::ZERO);
                    handle = Some(waited.expect_err("the job sleeps"));
                }
            })
        })
        .limit("is_finished", || {
            timed(|| (0..COUNT).for_each(|_| assert!(!asked.is_finished())))
        })
        .reach(2.0, "is_finished")
        .run(settings);
    asked.kill();
    handle.expect("put back").kill();
}

fn map(pool: &ProcessPool, others: &Others, settings: &Settings) {
    const COUNT: u64 = 16_384;
    let numbers: Vec<u64> = (0..COUNT).collect();
    let check = |results: Vec<Result<u64, JobError>>| {
        let results = results.into_iter().zip(&numbers);
        for (result, number) in results {
            assert_eq!(result.expect("a result"), number + 1);
        }
    };
    let chunk = NonZeroUsize::new(64).expect("64");
    let contest = Contest::new("a map", "job", COUNT)
        .ours("process-pool", || {
            timed(|| check(pool.map::<next>(&numbers)))
        })
        .ours("process-pool, chunks of 64", || {
            let mapping = pool.mapping().chunk_size(chunk);
            timed(|| check(mapping.run::<next>(&numbers)))
        });
    with_python(contest, others, "chunks", COUNT, 1).run(settings);
}

fn large(pool: &ProcessPool, others: &Others, settings: &Settings) {
    let pipe = RefCell::new(Pipe::start());
    // From here on it streams.
    pipe.borrow_mut().send(u64::MAX);
    let bytes: Vec<u8> = (0..LARGE).map(|at| at as u8).collect();
    let into = RefCell::new(vec![1; LARGE]);
    let check = |into: &mut [u8]| {
        assert!(
            [0, LARGE / 2 + 77, LARGE - 1]
                .iter()
                .all(|&at| into[at] == bytes[at])
        );
        for at in [0, LARGE / 2 + 77, LARGE - 1] {
            into[at] = !into[at];
        }
    };
    let buffer = Buffer::new(LARGE).expect("memory");
    let contest = Contest::new("64 MiB there and back", "byte", LARGE as u64)
        .ours("process-pool", || {
            let mut into = into.borrow_mut();
            let time = timed(|| {
                buffer.write_at(0, &bytes).expect("it fits");
                let back = pool
                    .submit::<hold>(&buffer)
                    .expect("accepted")
                    .wait()
                    .expect("a result");
                back.read_at(0, &mut into).expect("as long as before");
            });
            check(&mut into);
            time
        })
        .rival("pipe", || {
            let mut into = into.borrow_mut();
            let time = timed(|| pipe.borrow_mut().exchange(&bytes, &mut into));
            check(&mut into);
            time
        })
        .rival("ipc-channel", || {
            let mut into = into.borrow_mut();
            let time = timed(|| others.ipc.exchange(&bytes, &mut into));
            check(&mut into);
            time
        })
        .reach(0.5, "pipe");
    with_python(contest, others, "large", 1, 1).run(settings);
}
