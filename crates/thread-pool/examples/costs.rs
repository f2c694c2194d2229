//! The cost of each way to hand work to the pool: nanoseconds per empty job, as a median.
//!
//! `cargo run --release -p effective-thread-pool --example costs`

use std::error::Error;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Instant;

use effective_thread_pool::{Handle, ScopedHandle, ThreadPool, as_completed};

const JOBS: u32 = 100_000;
const RUNS: usize = 15;

fn show(way: &str, mut run: impl FnMut() -> usize) {
    let mut times: Vec<u128> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            assert_eq!(run(), JOBS as usize, "{way}");
            start.elapsed().as_nanos() / u128::from(JOBS)
        })
        .collect();
    times.sort_unstable();
    println!("{way:28} {:6} ns", times[RUNS / 2]);
}

fn main() -> Result<(), Box<dyn Error>> {
    let pool = ThreadPool::builder().build()?;
    let bounded = ThreadPool::builder().max_pending(1_000).build()?;
    let job = |n: u32| move || black_box(n);
    let submit = |pool: &ThreadPool| -> Vec<_> {
        let all = (0..JOBS).map(|n| pool.submit(job(n)));
        all.collect::<Result<_, _>>().expect("the pool is open")
    };
    println!("{} workers, {JOBS} jobs, {RUNS} runs", pool.workers());
    show("submit, wait", || {
        let handles = submit(&pool);
        handles.into_iter().flat_map(Handle::wait).count()
    });
    show("submit, await", || {
        let handles = submit(&pool);
        let waits = async {
            let mut done = 0;
            for handle in handles {
                done += usize::from(handle.await.is_ok());
            }
            done
        };
        futures::executor::block_on(waits)
    });
    show("submit, as_completed", || {
        as_completed(submit(&pool)).count()
    });
    show("submit, on_complete, wait", || {
        let mut handles = submit(&pool);
        for handle in &mut handles {
            handle.on_complete(|result| {
                black_box(result.is_ok());
            });
        }
        handles.into_iter().flat_map(Handle::wait).count()
    });
    show("submit to a bounded backlog", || {
        let handles = submit(&bounded);
        handles.into_iter().flat_map(Handle::wait).count()
    });
    show("scope, submit, wait", || {
        let done = pool.scope(|scope| {
            let all: Vec<_> = (0..JOBS).map(|n| scope.submit(job(n))).collect();
            all.into_iter()
                .flatten()
                .flat_map(ScopedHandle::wait)
                .count()
        });
        done.expect("no panic")
    });
    let chunk = NonZeroUsize::new(64).expect("not zero");
    show("stream", || {
        pool.mapping().stream(0..JOBS, black_box).count()
    });
    show("stream, chunks of 64", || {
        pool.mapping()
            .chunk_size(chunk)
            .stream(0..JOBS, black_box)
            .count()
    });
    show("map, one by one", || {
        pool.mapping()
            .chunk_size(NonZeroUsize::MIN)
            .run(0..JOBS, black_box)
            .len()
    });
    show("map", || pool.map(0..JOBS, black_box).len());
    Ok(())
}
