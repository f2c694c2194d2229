//! Jobs that wait for other jobs of their offload: under load, through coroutines, and how many run
//! at once.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use effective_bridge::{Offload, OffloadError, Portal};
use futures::channel::oneshot;
use futures::executor::{ThreadPool, block_on};
use futures::future::join_all;

use support::{Gate, Gauge, eventually, occupy, one_thread_and_room, portal, within_deadline};

fn offload(max_threads: usize) -> Offload {
    Offload::builder().max_threads(max_threads).build().unwrap()
}

/// A job that waits for a coroutine that waits for a job, nested `depth` times.
fn call_back(offload: &Offload, portal: &Portal, depth: usize, n: usize) -> usize {
    if depth == 0 {
        return n;
    }
    let (inner, inner_portal) = (offload.clone(), portal.clone());
    let call = portal.call(move || async move {
        let again = inner.clone();
        let call = inner.run(move || call_back(&again, &inner_portal, depth - 1, n));
        call.await.unwrap()
    });
    call.wait().unwrap()
}

#[test]
fn callback_is_not_refused_under_load() {
    within_deadline(|| {
        let portal = portal();
        for (max_threads, depth, calls) in [(1, 1, 50), (3, 1, 300), (3, 3, 100), (64, 1, 500)] {
            let offload = offload(max_threads);
            let results = join_all((0..calls).map(|n| {
                let (inner, portal) = (offload.clone(), portal.clone());
                offload.run(move || call_back(&inner, &portal, depth, n))
            }));
            let results = block_on(results);
            for (n, result) in results.into_iter().enumerate() {
                assert_eq!(result.unwrap(), n, "{max_threads} threads, {depth} deep");
            }
            assert!(offload.threads() <= max_threads * (depth + 1));
        }
    });
}

/// Nests jobs `depth` deep.
fn nest(offload: &Offload, depth: usize) -> Result<usize, OffloadError> {
    if depth == 0 {
        return Ok(1);
    }
    let inner = offload.clone();
    Ok(1 + block_on(offload.run(move || nest(&inner, depth - 1)))??)
}

#[test]
fn nested_jobs_are_not_refused_under_load() {
    within_deadline(|| {
        for (max_threads, depth) in [(1, 2), (2, 2), (4, 2), (3, 4)] {
            let offload = offload(max_threads);
            thread::scope(|scope| {
                for _ in 0..16 {
                    scope.spawn(|| {
                        for _ in 0..25 {
                            assert_eq!(nest(&offload, depth).unwrap(), depth + 1);
                        }
                    });
                }
            });
        }
    });
}

#[test]
fn callback_through_another_task_is_not_refused() {
    within_deadline(|| {
        let executor = ThreadPool::builder().pool_size(2).create().unwrap();
        let portal = Portal::new({
            let executor = executor.clone();
            move |coroutine| executor.spawn_ok(coroutine)
        });
        let offload = offload(4);
        let results = join_all((0..100).map(|n| {
            let (inner, portal, executor) = (offload.clone(), portal.clone(), executor.clone());
            offload.run(move || {
                // The offload cannot see what waits for the inner job.
                let call = portal.call(move || async move {
                    let (give, take) = oneshot::channel();
                    executor.spawn_ok(async move {
                        let _ = give.send(inner.run(move || n).await.unwrap());
                    });
                    take.await.unwrap()
                });
                call.wait().unwrap()
            })
        }));
        for (n, result) in block_on(results).into_iter().enumerate() {
            assert_eq!(result.unwrap(), n);
        }
    });
}

#[test]
fn nesting_across_two_offloads_ends() {
    within_deadline(|| {
        let (one, other) = (offload(1), offload(1));
        let results = join_all((0..50).map(|n| {
            let (back, other) = (one.clone(), other.clone());
            one.run(move || {
                let call = other.run(move || block_on(back.run(move || n)).unwrap());
                block_on(call).unwrap()
            })
        }));
        for (n, result) in block_on(results).into_iter().enumerate() {
            assert_eq!(result.unwrap(), n);
        }
    });
}

#[test]
fn nested_job_does_not_wait_behind_outer_jobs() {
    within_deadline(|| {
        let offload = one_thread_and_room(1);
        let (gate, occupied) = occupy(&offload);
        let results = join_all((0..20).map(|n| {
            let inner = offload.clone();
            offload.run(move || block_on(inner.run(move || n)).unwrap())
        }));
        let results = thread::spawn(move || block_on(results));
        eventually(|| offload.waiting() == 19);
        gate.open();
        block_on(occupied).unwrap();
        for (n, result) in results.join().unwrap().into_iter().enumerate() {
            assert_eq!(result.unwrap(), n);
        }
    });
}

#[test]
fn at_most_max_threads_jobs_run_after_waits() {
    within_deadline(|| {
        for max_threads in [1, 4] {
            let offload = offload(max_threads);
            let gauge = Arc::new(Gauge::default());
            let work = |gauge: &Gauge| gauge.during(|| thread::sleep(Duration::from_millis(1)));
            let results = join_all((0..60).map(|n| {
                let (inner, gauge) = (offload.clone(), Arc::clone(&gauge));
                offload.run(move || {
                    if n % 2 == 0 {
                        let gauge = Arc::clone(&gauge);
                        block_on(inner.run(move || work(&gauge))).unwrap();
                    }
                    work(&gauge);
                })
            }));
            block_on(results).into_iter().for_each(Result::unwrap);
            let most = gauge.peak();
            assert!(most <= max_threads, "{most} of {max_threads}");
        }
    });
}

#[test]
fn job_runs_while_all_others_wait_for_its_message() {
    within_deadline(|| {
        let portal = portal();
        let offload = offload(2);
        let (gives, takes): (Vec<_>, Vec<_>) = (0..2).map(|_| oneshot::channel()).unzip();
        let waiting: Vec<_> = takes
            .into_iter()
            .map(|take| {
                let portal = portal.clone();
                let call = offload.try_run(move || portal.call(|| take).wait().unwrap().unwrap());
                call.unwrap_or_else(|refused| panic!("{refused}"))
            })
            .collect();
        for (n, give) in gives.into_iter().enumerate() {
            block_on(offload.run(move || give.send(n).unwrap())).unwrap();
        }
        for (n, call) in waiting.into_iter().enumerate() {
            assert_eq!(block_on(call).unwrap(), n);
        }
    });
}

#[test]
fn jobs_that_submit_successors_starve_no_other() {
    fn again(offload: Offload, over: Arc<AtomicBool>, rounds: Arc<AtomicUsize>) {
        rounds.fetch_add(1, Ordering::SeqCst);
        if over.load(Ordering::SeqCst) {
            return;
        }
        // Each of them also waits, which must not be refused.
        assert_eq!(block_on(offload.run(|| 1)).unwrap(), 1);
        let next = offload.clone();
        if let Ok(job) = offload.try_run(move || again(next, over, rounds)) {
            job.detach();
        }
    }
    within_deadline(|| {
        let (over, rounds) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicUsize::new(0)),
        );
        let offload = offload(1);
        again(offload.clone(), Arc::clone(&over), Arc::clone(&rounds));
        for n in 0..100 {
            assert_eq!(block_on(offload.run(move || n)).unwrap(), n);
        }
        eventually(|| rounds.load(Ordering::SeqCst) > 200);
        over.store(true, Ordering::SeqCst);
        offload.shutdown_timeout(Duration::from_secs(60)).unwrap();
    });
}

#[test]
fn nested_jobs_of_a_closed_offload_finish() {
    within_deadline(|| {
        let offload = offload(1);
        let (inner, gate) = (offload.clone(), Gate::new());
        let opened = gate.clone();
        let (started, has_started) = mpsc::channel();
        let call = offload.try_run(move || {
            let accepted = inner
                .try_run(|| 7)
                .unwrap_or_else(|refused| panic!("{refused}"));
            started.send(()).unwrap();
            opened.pass();
            block_on(accepted).unwrap()
        });
        has_started.recv().unwrap();
        offload.close();
        gate.open();
        assert_eq!(
            block_on(call.unwrap_or_else(|refused| panic!("{refused}"))).unwrap(),
            7
        );
        offload.shutdown_timeout(Duration::from_secs(60)).unwrap();
    });
}
