//! A look at a job that has not ended: a timeout of zero against the call that only asks.

use std::hint::black_box;
use std::sync::mpsc;
use std::time::Duration;

use workload_rivals::{Contest, Settings, timed};

use crate::runtimes;

const LOOKS: u64 = 1_000_000;

pub(crate) fn contest(settings: &Settings) {
    let pool = runtimes::ours();
    let (release, held) = mpsc::channel::<()>();
    let mut handle = Some(
        pool.submit(move || held.recv().is_err())
            .expect("the pool is open"),
    );
    let asked = pool.submit(|| ()).expect("the pool is open");
    Contest::new("a look at a job that runs", "look", LOOKS)
        .ours("thread-pool wait_timeout(ZERO)", || {
            timed(|| {
                for _ in 0..LOOKS {
                    let waited = handle
                        .take()
                        .expect("put back")
                        .wait_timeout(Duration::ZERO);
                    handle = Some(waited.expect_err("the job is held"));
                }
            })
        })
        .limit("is_finished", || {
            timed(|| {
                for _ in 0..LOOKS {
                    black_box(black_box(&asked).is_finished());
                }
            })
        })
        .reach(2.0, "is_finished")
        .run(settings);
    drop(release);
}
