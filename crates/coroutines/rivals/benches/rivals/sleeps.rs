//! Many sleeps at once. Each is longer than it takes to start all of them, so that all are alive together.
//!
//! Told are the CPU time of the process, since `async-io` has a thread of its own, and the time that passes, without that
//! of one sleep, which is no cost of anybody's.

use std::time::Duration;

use async_io::{Timer, block_on};
use futures::stream::{FuturesUnordered, StreamExt};
use rustix::time::{ClockId, clock_gettime};
use tokio::task::JoinSet;
use workload_rivals::timed;

use crate::{Entry, TASKS};

pub(crate) const SLEEP: Duration = Duration::from_millis(50);

/// How long `work` takes, by one of the two clocks.
pub(crate) type Clock = fn(&mut dyn FnMut()) -> Duration;

/// The CPU time that the whole process takes for it.
pub(crate) fn cpu_time(work: &mut dyn FnMut()) -> Duration {
    let start = clock_gettime(ClockId::ProcessCPUTime);
    work();
    let spent = clock_gettime(ClockId::ProcessCPUTime) - start;
    Duration::try_from(spent).expect("the clock goes forward")
}

/// The time that passes, but for that of one sleep.
pub(crate) fn beyond_sleep(work: &mut dyn FnMut()) -> Duration {
    timed(work).saturating_sub(SLEEP)
}

pub(crate) fn entries(clock: Clock) -> Vec<Entry> {
    vec![
        Entry::ours("effective_coroutines::map + async-io", move || ours(clock)),
        Entry::rival("FuturesUnordered + async-io", move || unordered(clock)),
        Entry::rival("smol LocalExecutor", move || smol_local(clock)),
        Entry::rival("tokio JoinSet, one thread", move || tokio_join_set(clock)),
    ]
}

fn ours(clock: Clock) -> Duration {
    clock(&mut || {
        let results = block_on(effective_coroutines::map(0..TASKS, |_| Timer::after(SLEEP)));
        assert!(results.iter().all(Result::is_ok));
    })
}

fn unordered(clock: Clock) -> Duration {
    clock(&mut || {
        let ended = block_on(async {
            let mut running: FuturesUnordered<_> =
                (0..TASKS).map(|_| Timer::after(SLEEP)).collect();
            let mut ended = 0;
            while running.next().await.is_some() {
                ended += 1;
            }
            ended
        });
        assert_eq!(ended, TASKS);
    })
}

fn smol_local(clock: Clock) -> Duration {
    clock(&mut || {
        let executor = smol::LocalExecutor::new();
        block_on(executor.run(async {
            let handles: Vec<_> = (0..TASKS)
                .map(|_| executor.spawn(Timer::after(SLEEP)))
                .collect();
            for handle in handles {
                handle.await;
            }
        }));
    })
}

fn tokio_join_set(clock: Clock) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    clock(&mut || {
        let ended = runtime.block_on(async {
            let mut running: JoinSet<()> = (0..TASKS).map(|_| tokio::time::sleep(SLEEP)).collect();
            let mut ended = 0;
            while running.join_next().await.is_some() {
                ended += 1;
            }
            ended
        });
        assert_eq!(ended, TASKS);
    })
}
