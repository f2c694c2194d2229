//! Many sleeps at once. Starting all of them takes less time than one sleep, so all are alive
//! together.
//!
//! Two times are measured: the CPU time of the process, because `async-io` has its own thread, and
//! the elapsed time beyond one sleep.

use std::time::Duration;

use async_io::{Timer, block_on};
use futures::stream::{FuturesUnordered, StreamExt};
use rustix::time::{ClockId, clock_gettime};
use tokio::task::JoinSet;
use workload_rivals::timed;

use crate::{Entry, TASKS};

pub(crate) const SLEEP: Duration = Duration::from_millis(50);

/// Measures the time that `work` takes.
pub(crate) type Clock = fn(&mut dyn FnMut()) -> Duration;

/// The CPU time of the whole process.
pub(crate) fn cpu_time(work: &mut dyn FnMut()) -> Duration {
    let start = clock_gettime(ClockId::ProcessCPUTime);
    work();
    let spent = clock_gettime(ClockId::ProcessCPUTime) - start;
    Duration::try_from(spent).expect("the clock goes forward")
}

/// The elapsed time beyond one sleep.
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
