//! Many tasks on one thread, their results in order.

use std::future::Future;
use std::time::Duration;

use futures::executor::block_on;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::task::{JoinSet, LocalSet};
use workload_rivals::timed;

use crate::tasks::{Gate, check, pass, yield_once};
use crate::{Entry, TASKS, safe};

pub(crate) fn yields() -> Vec<Entry> {
    entries(|| yield_once)
}

pub(crate) fn gates() -> Vec<Entry> {
    entries(|| {
        let gate = Gate::new();
        move |number| pass(gate.clone(), number)
    })
}

/// The contestants. `prepare` makes the function that makes the tasks of one run.
fn entries<P, F, Fut>(prepare: P) -> Vec<Entry>
where
    P: Fn() -> F + Copy + 'static,
    F: Fn(u64) -> Fut,
    Fut: Future<Output = u64> + 'static,
{
    vec![
        Entry::ours("effective_coroutines::map", move || ours(prepare())),
        Entry::rival("a box and an Arc per task, no unsafe code", move || {
            safe::map(prepare())
        }),
        Entry::rival("FuturesUnordered", move || unordered(prepare())),
        Entry::rival("smol LocalExecutor", move || smol_local(prepare())),
        Entry::rival("tokio LocalSet, handles", move || tokio_handles(prepare())),
        Entry::rival("tokio JoinSet on a LocalSet", move || {
            tokio_join_set(prepare())
        }),
    ]
}

fn ours<Fut: Future<Output = u64>>(task: impl Fn(u64) -> Fut) -> Duration {
    timed(|| {
        let results = block_on(effective_coroutines::map(0..TASKS, task));
        check(results.into_iter().map(|result| result.unwrap()))
    })
}

fn unordered<Fut: Future<Output = u64>>(task: impl Fn(u64) -> Fut) -> Duration {
    timed(|| {
        let mut values = vec![0; TASKS as usize];
        block_on(async {
            let task = &task;
            let mut running: FuturesUnordered<_> = (0..TASKS)
                .map(|number| async move { (number, task(number).await) })
                .collect();
            while let Some((number, value)) = running.next().await {
                values[number as usize] = value;
            }
        });
        check(values)
    })
}

fn smol_local<Fut: Future<Output = u64> + 'static>(task: impl Fn(u64) -> Fut) -> Duration {
    timed(|| {
        let executor = smol::LocalExecutor::new();
        let values = block_on(executor.run(async {
            let handles: Vec<_> = (0..TASKS)
                .map(|number| executor.spawn(task(number)))
                .collect();
            let mut values = Vec::with_capacity(handles.len());
            for handle in handles {
                values.push(handle.await);
            }
            values
        }));
        check(values)
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
}

fn tokio_handles<Fut: Future<Output = u64> + 'static>(task: impl Fn(u64) -> Fut) -> Duration {
    let runtime = runtime();
    timed(|| {
        let values = LocalSet::new().block_on(&runtime, async {
            let handles: Vec<_> = (0..TASKS)
                .map(|number| tokio::task::spawn_local(task(number)))
                .collect();
            let mut values = Vec::with_capacity(handles.len());
            for handle in handles {
                values.push(handle.await.unwrap());
            }
            values
        });
        check(values)
    })
}

fn tokio_join_set<Fut: Future<Output = u64> + 'static>(task: impl Fn(u64) -> Fut) -> Duration {
    let runtime = runtime();
    timed(|| {
        let mut values = vec![0; TASKS as usize];
        LocalSet::new().block_on(&runtime, async {
            let mut running = JoinSet::new();
            for number in 0..TASKS {
                let task = task(number);
                running.spawn_local(async move { (number, task.await) });
            }
            while let Some(ended) = running.join_next().await {
                let (number, value) = ended.unwrap();
                values[number as usize] = value;
            }
        });
        check(values)
    })
}
