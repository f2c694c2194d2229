//! Jobs, and the threads that sleep until there are some: `offload/dispatch.rs`.

use std::time::Duration;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use crate::check;
use crate::dispatch::{Dispatch, IfFull};
use crate::lane::{Place, Queued};
use crate::state::{Help, Limits};

struct Job {
    place: Place,
    runs: AtomicUsize,
}

type JobRef = Arc<Job>;

impl Queued for JobRef {
    fn place(&self) -> &Place {
        &self.place
    }
}

fn job() -> JobRef {
    Arc::new(Job {
        place: Place::new(),
        runs: AtomicUsize::new(0),
    })
}

fn dispatch(max_threads: usize, max_pending: usize, spins: bool) -> Arc<Dispatch<JobRef>> {
    Arc::new(Dispatch::new(Limits {
        max_threads,
        // All stay: time does not pass in a model.
        min_threads: 4,
        max_pending,
        idle_timeout: Duration::MAX,
        spins,
        patience: None,
    }))
}

fn give(help: Help) {
    match help {
        Help::Nothing => {}
        Help::Wake(thread) => thread.unpark(),
        Help::Start => panic!("all threads there may be are there"),
    }
}

fn submit(dispatch: &Dispatch<JobRef>, job: &JobRef) {
    let Ok((help, _)) = dispatch.submit(Arc::clone(job), IfFull::StandInLine) else {
        panic!("refused");
    };
    give(help);
}

/// Runs jobs until the dispatch is closed, or so many.
fn start(dispatch: &Arc<Dispatch<JobRef>>, jobs: usize) -> thread::JoinHandle<()> {
    dispatch.expect_one();
    let dispatch = Arc::clone(dispatch);
    thread::spawn(move || {
        let mut me = dispatch.join();
        for _ in 0..jobs {
            let Some((job, help)) = dispatch.next(&mut me) else {
                return;
            };
            give(help);
            job.runs.fetch_add(1, Ordering::Relaxed);
        }
    })
}

fn close(dispatch: &Dispatch<JobRef>) -> usize {
    let closing = dispatch.close(false);
    closing.sleepers.iter().for_each(|thread| thread.unpark());
    closing.refused.len()
}

fn runs(job: &JobRef) -> usize {
    job.runs.load(Ordering::Relaxed)
}

#[test]
fn a_job_wakes_a_thread_however_deep_it_sleeps() {
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
fn two_jobs_get_two_threads_of_which_each_stays_with_its_first() {
    for spins in [false, true] {
        check(3, move || {
            let dispatch = dispatch(2, 4, spins);
            // None of them comes back for the second job.
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
fn jobs_of_two_sides_beyond_the_backlog_are_all_run_once() {
    check(3, || {
        let dispatch = dispatch(1, 1, true);
        let thread = start(&dispatch, 3);
        let jobs = [job(), job(), job()];
        let (theirs, other) = (Arc::clone(&dispatch), Arc::clone(&jobs[2]));
        let submitter = thread::spawn(move || submit(&theirs, &other));
        submit(&dispatch, &jobs[0]);
        submit(&dispatch, &jobs[1]);
        submitter.join().unwrap();
        thread.join().unwrap();
        assert_eq!(jobs.each_ref().map(runs), [1, 1, 1]);
    });
}

#[test]
fn a_job_is_run_or_withdrawn_and_its_room_goes_to_the_next() {
    check(3, || {
        let dispatch = dispatch(1, 1, false);
        let thread = start(&dispatch, usize::MAX);
        let jobs = [job(), job()];
        jobs.iter().for_each(|job| submit(&dispatch, job));
        let withdrawn = dispatch.withdraw(&jobs[0].place);
        // Closed only when nothing is in line any more, which would be refused.
        while dispatch.in_line() > 0 {
            thread::yield_now();
        }
        assert_eq!(close(&dispatch), 0);
        thread.join().unwrap();
        assert_eq!(runs(&jobs[0]), usize::from(!withdrawn));
        assert_eq!(runs(&jobs[1]), 1);
    });
}

#[test]
fn threads_end_when_it_is_closed_and_all_is_done() {
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
fn one_that_blocks_is_replaced_by_one_that_stood_back() {
    check(3, || {
        // Two threads where one may run: as after a wait that is over.
        let dispatch = dispatch(1, 4, false);
        let (outer, inner) = (job(), job());
        let threads = [(); 2].map(|()| {
            dispatch.expect_one();
            let (dispatch, outer, inner) = (
                Arc::clone(&dispatch),
                Arc::clone(&outer),
                Arc::clone(&inner),
            );
            thread::spawn(move || {
                let mut me = dispatch.join();
                while let Some((job, help)) = dispatch.next(&mut me) {
                    give(help);
                    if Arc::ptr_eq(&job, &outer) {
                        // A job that waits for another.
                        submit(&dispatch, &inner);
                        give(dispatch.promote(inner.place(), 1));
                        match dispatch.block(1, false) {
                            Some(help) => give(help),
                            None => panic!("nobody else blocks"),
                        }
                        while runs(&inner) == 0 {
                            thread::yield_now();
                        }
                        dispatch.unblock();
                        close(&dispatch);
                    }
                    job.runs.fetch_add(1, Ordering::Relaxed);
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
