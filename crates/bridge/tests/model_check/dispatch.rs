//! Dispatch of jobs to workers that sleep in between: `offload/dispatch.rs`.

use std::time::Duration;

use effective_bridge::model::{Action, Dispatch, EntryState, IfFull, Limits, Queued};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use crate::check;

struct Job {
    entry: EntryState,
    runs: AtomicUsize,
}

/// A type of this crate, so that it may implement the trait.
#[derive(Clone)]
struct JobRef(Arc<Job>);

impl Queued for JobRef {
    fn entry(&self) -> &EntryState {
        &self.0.entry
    }
}

fn job() -> JobRef {
    JobRef(Arc::new(Job {
        entry: EntryState::new(),
        runs: AtomicUsize::new(0),
    }))
}

fn dispatch(max_threads: usize, max_pending: usize, spins: bool) -> Arc<Dispatch<JobRef>> {
    Arc::new(Dispatch::new(Limits {
        max_threads,
        // No worker leaves: time does not pass in a model.
        min_threads: 4,
        max_pending,
        idle_timeout: Duration::MAX,
        spins,
        deadlock_timeout: None,
    }))
}

fn perform(action: Action) {
    match action {
        Action::Nothing => {}
        Action::Wake(thread) => thread.unpark(),
        Action::Spawn => panic!("all workers have been started"),
    }
}

fn submit(dispatch: &Dispatch<JobRef>, job: &JobRef) {
    let Ok((action, _)) = dispatch.submit(job.clone(), IfFull::Wait) else {
        panic!("refused");
    };
    perform(action);
}

/// Starts a worker that runs at most `jobs` jobs.
fn start(dispatch: &Arc<Dispatch<JobRef>>, jobs: usize) -> thread::JoinHandle<()> {
    dispatch.reserve_worker();
    let dispatch = Arc::clone(dispatch);
    thread::spawn(move || {
        let mut me = dispatch.register_worker();
        for _ in 0..jobs {
            let Some((job, action)) = dispatch.next(&mut me) else {
                return;
            };
            perform(action);
            job.0.runs.fetch_add(1, Ordering::Relaxed);
        }
    })
}

fn close(dispatch: &Dispatch<JobRef>) -> usize {
    let closing = dispatch.close(false);
    closing.sleepers.iter().for_each(|thread| thread.unpark());
    closing.refused.len()
}

fn runs(job: &JobRef) -> usize {
    job.0.runs.load(Ordering::Relaxed)
}

#[test]
fn job_wakes_a_sleeping_worker() {
    for spins in [false, true] {
        check(3, move || {
            let dispatch = dispatch(1, 4, spins);
            let thread = start(&dispatch, 1);
            let job = job();
            submit(&dispatch, &job);
            thread.join().unwrap();
            assert_eq!(runs(&job), 1);
        });
    }
}

#[test]
fn two_jobs_get_two_workers() {
    for spins in [false, true] {
        check(3, move || {
            let dispatch = dispatch(2, 4, spins);
            // Each worker runs one job only.
            let threads = [start(&dispatch, 1), start(&dispatch, 1)];
            let jobs = [job(), job()];
            jobs.iter().for_each(|job| submit(&dispatch, job));
            for thread in threads {
                thread.join().unwrap();
            }
            assert_eq!(jobs.each_ref().map(runs), [1, 1]);
        });
    }
}

#[test]
fn jobs_beyond_the_limit_run_once_each() {
    check(3, || {
        let dispatch = dispatch(1, 1, true);
        let thread = start(&dispatch, 3);
        let jobs = [job(), job(), job()];
        let (theirs, other) = (Arc::clone(&dispatch), jobs[2].clone());
        let submitter = thread::spawn(move || submit(&theirs, &other));
        submit(&dispatch, &jobs[0]);
        submit(&dispatch, &jobs[1]);
        submitter.join().unwrap();
        thread.join().unwrap();
        assert_eq!(jobs.each_ref().map(runs), [1, 1, 1]);
    });
}

#[test]
fn withdrawn_job_gives_its_room_to_the_next() {
    check(3, || {
        let dispatch = dispatch(1, 1, false);
        let thread = start(&dispatch, usize::MAX);
        let jobs = [job(), job()];
        jobs.iter().for_each(|job| submit(&dispatch, job));
        let withdrawn = dispatch.withdraw(&jobs[0].0.entry);
        // Closing earlier would refuse the waiting job.
        while dispatch.waiting() > 0 {
            thread::yield_now();
        }
        assert_eq!(close(&dispatch), 0);
        thread.join().unwrap();
        assert_eq!(runs(&jobs[0]), usize::from(!withdrawn));
        assert_eq!(runs(&jobs[1]), 1);
    });
}

#[test]
fn workers_exit_after_close_and_the_last_job() {
    check(3, || {
        let dispatch = dispatch(1, 4, true);
        let thread = start(&dispatch, usize::MAX);
        let job = job();
        submit(&dispatch, &job);
        close(&dispatch);
        thread.join().unwrap();
        assert_eq!((runs(&job), dispatch.threads()), (1, 0));
    });
}

#[test]
fn blocked_worker_is_replaced_by_an_idle_one() {
    check(3, || {
        // Two workers although one may run: as after a wait that has ended.
        let dispatch = dispatch(1, 4, false);
        let (outer, inner) = (job(), job());
        let threads = [(); 2].map(|()| {
            dispatch.reserve_worker();
            let (dispatch, outer, inner) = (Arc::clone(&dispatch), outer.clone(), inner.clone());
            thread::spawn(move || {
                let mut me = dispatch.register_worker();
                while let Some((job, action)) = dispatch.next(&mut me) {
                    perform(action);
                    if Arc::ptr_eq(&job.0, &outer.0) {
                        // A job that waits for another.
                        submit(&dispatch, &inner);
                        perform(dispatch.promote(inner.entry(), 1));
                        match dispatch.block(1, false) {
                            Some(action) => perform(action),
                            None => panic!("no other worker blocks"),
                        }
                        while runs(&inner) == 0 {
                            thread::yield_now();
                        }
                        dispatch.unblock();
                        close(&dispatch);
                    }
                    job.0.runs.fetch_add(1, Ordering::Relaxed);
                }
            })
        });
        submit(&dispatch, &outer);
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!((runs(&outer), runs(&inner), dispatch.threads()), (1, 1, 0));
    });
}
