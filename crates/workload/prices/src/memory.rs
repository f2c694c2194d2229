//! Resident memory of tasks that are handed over and not done yet.
//!
//! Each price is found in a process of its own, as memory that another one freed would be used
//! again. Kernel memory, such as that of a thread's kernel stack, does not count as resident.

use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use std::{process, thread};

use effective_child_process::Command;
use effective_data_parallel::DataParallel;
use effective_process_pool::{ProcessPool, Program};
use effective_queue::Queue;
use effective_thread_pool::ThreadPool;
use effective_threads::Threads;
use tokio::sync::Semaphore;
use workload::tree;

use crate::names;
use crate::priced::failed;
use crate::processes::pause;
use crate::runtime::{Way, runtime};

/// Tasks that are outstanding where each takes little.
const MANY: usize = 100_000;

/// Jobs that are outstanding in a pool of processes.
const JOBS: usize = 20_000;

/// Threads and processes that are alive at once.
const THREADS: usize = 200;
const CHILDREN: usize = 8;

/// How long to wait for threads to have started: until then their stacks are not touched.
const SETTLING: Duration = Duration::from_millis(100);

/// How long a worker process is kept busy, so that the other jobs wait. It is killed long before.
const BUSY_MS: u64 = 600_000;

/// The resident bytes of `tasks` outstanding tasks; `None` where a task takes no memory.
///
/// # Errors
/// One line, if the model or the system refuses.
pub(crate) fn of(name: &str, program: &Program) -> Result<Option<(usize, u64)>, String> {
    let one = NonZeroUsize::MIN;
    let found = match name {
        names::RAYON_ITEM => rayon_items(one)?,
        names::POOL_JOB => pool_jobs()?,
        names::QUEUE_HOP => queue_items()?,
        names::TOKIO_SPAWN => tokio_tasks(one)?,
        names::SPAWN_BLOCKING => blocking(one, false)?,
        names::OFFLOAD => blocking(one, true)?,
        names::THREAD => threads(),
        names::PROCESS_JOB => process_jobs(program)?,
        names::CHILD => children()?,
        _ => return Ok(None),
    };
    Ok(Some(found))
}

/// Keeps a thread until it is opened.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn wait(&self) {
        let (open, changed) = &*self.0;
        if let Ok(open) = open.lock() {
            // The lock is held by no code that panics.
            drop(changed.wait_while(open, |open| !*open));
        }
    }

    fn open(&self) {
        let (open, changed) = &*self.0;
        if let Ok(mut open) = open.lock() {
            *open = true;
        }
        changed.notify_all();
    }
}

fn resident() -> u64 {
    tree::status_bytes(process::id(), "VmRSS").unwrap_or(0)
}

/// The resident memory beyond this much.
fn beyond(before: u64) -> u64 {
    resident().saturating_sub(before)
}

/// The results of a map: a task that is not done takes nothing.
fn rayon_items(workers: NonZeroUsize) -> Result<(usize, u64), String> {
    let pool = DataParallel::new().workers(workers).map_err(failed)?;
    let inputs: Vec<u64> = (0..10 * MANY as u64).collect();
    drop(pool.map(&inputs[..1], |n| *n));
    let before = resident();
    let results = pool.map(&inputs, |n| *n);
    Ok((results.len(), beyond(before)))
}

fn pool_jobs() -> Result<(usize, u64), String> {
    let pool = ThreadPool::new(1).map_err(failed)?;
    let gate = Gate::default();
    let closed = gate.clone();
    let first = pool.submit(move || closed.wait()).map_err(failed)?;
    let mut handles = Vec::with_capacity(MANY);
    let before = resident();
    for n in 0..MANY {
        handles.push(pool.submit(move || n).map_err(failed)?);
    }
    let found = beyond(before);
    gate.open();
    first.wait().map_err(failed)?;
    Ok((MANY, found))
}

fn queue_items() -> Result<(usize, u64), String> {
    let queue = Queue::unbounded();
    let before = resident();
    for n in 0..MANY {
        queue.put(n).map_err(failed)?;
    }
    Ok((MANY, beyond(before)))
}

fn tokio_tasks(workers: NonZeroUsize) -> Result<(usize, u64), String> {
    let runtime = runtime(workers)?;
    let gate = Arc::new(Semaphore::new(0));
    let mut handles = Vec::with_capacity(MANY);
    let before = resident();
    for _ in 0..MANY {
        let gate = Arc::clone(&gate);
        handles.push(runtime.spawn(async move { gate.acquire().await.is_ok() }));
    }
    thread::sleep(SETTLING);
    let found = beyond(before);
    gate.close();
    for handle in handles {
        runtime.block_on(handle).map_err(failed)?;
    }
    Ok((MANY, found))
}

/// Calls of tokio's blocking pool or of our offload, behind one that keeps the only thread.
fn blocking(threads: NonZeroUsize, offloads: bool) -> Result<(usize, u64), String> {
    let runtime = runtime(threads)?;
    let gate = Gate::default();
    let closed = gate.clone();
    let _entered = runtime.enter();
    if !offloads {
        let first = tokio::task::spawn_blocking(move || closed.wait());
        let mut handles = Vec::with_capacity(MANY);
        let before = resident();
        handles.extend((0..MANY).map(|n| tokio::task::spawn_blocking(move || n)));
        let found = beyond(before);
        gate.open();
        runtime.block_on(first).map_err(failed)?;
        return Ok((MANY, found));
    }
    let Way::Offload(offload) = Way::offload(threads)? else {
        return Err("an offload is no offload".to_owned());
    };
    let refused = |_| "the offload refused a job".to_owned();
    let first = offload
        .try_run(move || closed.wait())
        .map_err(|_| refused(()))?;
    let mut handles = Vec::with_capacity(MANY);
    let before = resident();
    for n in 0..MANY {
        handles.push(offload.try_run(move || n).map_err(|_| refused(()))?);
    }
    let found = beyond(before);
    gate.open();
    runtime.block_on(first).map_err(failed)?;
    Ok((MANY, found))
}

fn threads() -> (usize, u64) {
    let gate = Gate::default();
    thread::scope(|scope| {
        let before = resident();
        scope.spawn(|| Threads::new().map(0..THREADS, |_| gate.wait()));
        thread::sleep(SETTLING);
        let found = beyond(before);
        gate.open();
        (THREADS, found)
    })
}

fn process_jobs(program: &Program) -> Result<(usize, u64), String> {
    let pool = ProcessPool::new(program, 1).map_err(failed)?;
    let _busy = pool.submit::<pause>(BUSY_MS).map_err(failed)?;
    let mut handles = Vec::with_capacity(JOBS);
    let before = resident();
    for _ in 0..JOBS {
        handles.push(pool.submit::<pause>(0).map_err(failed)?);
    }
    let found = beyond(before);
    pool.shutdown_now();
    Ok((JOBS, found))
}

/// The memory of the children counts, with the libraries that they share.
fn children() -> Result<(usize, u64), String> {
    let before = resident();
    let started = (0..CHILDREN).map(|_| Command::new("sleep").arg("60").spawn().map_err(failed));
    let children = started.collect::<Result<Vec<_>, String>>()?;
    thread::sleep(SETTLING);
    let theirs = children
        .iter()
        .filter_map(|child| tree::status_bytes(child.id(), "VmRSS"));
    let found = theirs.sum::<u64>() + beyond(before);
    for child in children {
        child.kill().map_err(failed)?;
    }
    Ok((CHILDREN, found))
}
