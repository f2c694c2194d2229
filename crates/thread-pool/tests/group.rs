//! Waiting for several handles: `as_completed`, `wait` and `wait_timeout`.

mod support;

use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use effective_thread_pool::{Handle, JobError, ThreadPool, TimedOut, WaitFor, Waited};
use effective_thread_pool::{as_completed, wait, wait_timeout};
use support::{Gate, occupy, pool_of_depth, wait_for_all, within_deadline};

/// Jobs that each wait at a gate.
fn gated(pool: &ThreadPool, jobs: usize) -> (Vec<Gate>, Vec<Handle<()>>) {
    (0..jobs).map(|_| occupy(pool)).unzip()
}

fn numbers(range: std::ops::Range<usize>) -> Vec<usize> {
    range.collect()
}

#[test]
fn results_come_in_the_order_in_which_jobs_end() {
    within_deadline(|| {
        let pool = ThreadPool::new(4).unwrap();
        let (gates, handles) = gated(&pool, 4);
        let mut results = as_completed(handles);
        assert_eq!(results.len(), 4);
        for number in [2, 0, 3, 1] {
            gates[number].open();
            assert!(matches!(results.next(), Some((ended, Ok(()))) if ended == number));
        }
        assert!(results.next().is_none());
        assert!(results.next().is_none());
    });
}

#[test]
fn each_of_many_results_comes_once_with_its_index() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let handles = (0..20_000usize).map(|n| pool.submit(move || n).unwrap());
        let mut seen = vec![false; 20_000];
        for (number, result) in as_completed(handles) {
            assert_eq!(result.unwrap(), number);
            assert!(!std::mem::replace(&mut seen[number], true));
        }
        assert!(seen.iter().all(|&seen| seen));
    });
}

#[test]
fn panics_and_cancellation_come_as_results() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (gate, busy) = occupy(&pool);
        let bad = pool.submit(|| panic!("bad")).unwrap();
        let unwanted = pool.submit(|| ()).unwrap();
        assert!(unwanted.cancel());
        let mut results = as_completed([busy, bad, unwanted]);
        assert!(matches!(
            results.next(),
            Some((2, Err(JobError::Cancelled)))
        ));
        gate.open();
        assert!(matches!(results.next(), Some((0, Ok(())))));
        assert!(matches!(
            results.next(),
            Some((1, Err(JobError::Panicked(_))))
        ));
    });
}

#[test]
fn next_timeout_returns_in_time_and_loses_nothing() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (gate, handle) = occupy(&pool);
        let mut results = as_completed([handle]);
        assert!(matches!(
            results.next_timeout(Duration::ZERO),
            Err(TimedOut)
        ));
        let late = results.next_timeout(Duration::from_millis(5)).unwrap_err();
        assert!(late.to_string().contains("call again"), "{late}");
        gate.open();
        assert!(matches!(
            results.next_timeout(Duration::MAX),
            Ok(Some((0, Ok(()))))
        ));
        assert!(matches!(results.next_timeout(Duration::ZERO), Ok(None)));
    });
}

#[test]
fn remaining_handles_can_be_taken_back_or_are_detached() {
    within_deadline(|| {
        let pool = ThreadPool::new(3).unwrap();
        let (gates, handles) = gated(&pool, 3);
        let mut results = as_completed(handles);
        gates[1].open();
        assert_eq!(results.next().unwrap().0, 1);
        let rest = results.into_rest();
        let left: Vec<usize> = rest.iter().map(|&(number, _)| number).collect();
        assert_eq!(left, [0, 2]);
        gates[0].open();
        gates[2].open();
        for (_, handle) in rest {
            handle.wait().unwrap();
        }

        let (sender, receiver) = mpsc::channel();
        let (gate, _) = occupy(&pool);
        let handle = pool.submit(move || sender.send(3).unwrap()).unwrap();
        drop(as_completed([handle]));
        gate.open();
        assert_eq!(receiver.recv().unwrap(), 3);
    });
}

#[test]
fn iterator_on_a_full_worker_runs_only_its_own_jobs() {
    within_deadline(|| {
        let pool = Arc::new(ThreadPool::new(1).unwrap());
        let inner = Arc::clone(&pool);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let order = Arc::clone(&seen);
        let outer = pool.submit(move || {
            let job = |name: &'static str| {
                let order = Arc::clone(&order);
                inner
                    .submit(move || order.lock().unwrap().push(name))
                    .unwrap()
            };
            let other = job("other");
            let handles = [job("first"), job("second"), job("third")];
            assert_eq!(
                as_completed(handles)
                    .filter(|(_, result)| result.is_ok())
                    .count(),
                3
            );
            order.lock().unwrap().push("outer");
            other
        });
        outer.unwrap().wait().unwrap().wait().unwrap();
        let seen = seen.lock().unwrap();
        assert_eq!(*seen, ["first", "second", "third", "outer", "other"]);
    });
}

#[test]
fn iterator_on_a_worker_blocks_for_jobs_running_elsewhere() {
    within_deadline(|| {
        let pool = ThreadPool::new(3).unwrap();
        let (gates, handles) = gated(&pool, 2);
        let order = pool
            .submit(move || {
                as_completed(handles)
                    .map(|(number, _)| number)
                    .collect::<Vec<_>>()
            })
            .unwrap();
        gates[1].open();
        let order = order.wait_timeout(Duration::from_millis(20)).unwrap_err();
        gates[0].open();
        assert_eq!(order.wait().unwrap(), [1, 0]);
    });
}

#[test]
fn cycle_through_a_wait_for_several_is_an_error() {
    within_deadline(|| {
        type Wait = fn(Vec<Handle<bool>>) -> bool;
        let waits: [Wait; 2] = [
            |handles| as_completed(handles).any(|(_, result)| result.is_err()),
            |mut handles| wait(&mut handles, WaitFor::All).is_err(),
        ];
        for wait_for_both in waits {
            for _ in 0..100 {
                // The first job waits for the second and the third, and the third for the first.
                let pool = ThreadPool::new(3).unwrap();
                let all_run = Arc::new(std::sync::Barrier::new(4));
                let (sender, receiver) = mpsc::channel();
                let member = |wait_for: Wait| {
                    let (give, take) = mpsc::channel::<Vec<Handle<bool>>>();
                    let (all_run, sender) = (Arc::clone(&all_run), sender.clone());
                    let job = pool.submit(move || {
                        all_run.wait();
                        let failed = wait_for(take.recv().unwrap());
                        sender.send(failed).unwrap();
                        failed
                    });
                    (give, job.unwrap())
                };
                let (give_first, first) = member(wait_for_both);
                let (give_second, second) = member(|_| false);
                let (give_third, third) =
                    member(|mut handles| handles.pop().unwrap().wait().is_err());
                all_run.wait();
                let mut order = [(give_third, vec![first]), (give_first, vec![second, third])];
                order.reverse();
                for (give, handles) in order {
                    give.send(handles).unwrap();
                }
                // Not a cycle while the second runs.
                assert!(receiver.recv_timeout(Duration::from_millis(1)).is_err());
                give_second.send(Vec::new()).unwrap();
                let failed = receiver.iter().take(3).filter(|&failed| failed).count();
                assert_eq!(failed, 1);
            }
        }
    });
}

#[test]
fn wait_returns_which_jobs_have_ended() {
    within_deadline(|| {
        let pool = ThreadPool::new(4).unwrap();
        let (gates, mut handles) = gated(&pool, 4);
        let none = wait_timeout(
            &mut handles,
            WaitFor::FirstCompleted,
            Duration::from_millis(5),
        );
        let all_pending = Waited {
            done: vec![],
            pending: numbers(0..4),
        };
        assert_eq!(none, all_pending);
        gates[2].open();
        let one = wait(&mut handles, WaitFor::FirstCompleted).unwrap();
        assert_eq!((one.done, one.pending), (vec![2], vec![0, 1, 3]));
        // The ended job still counts, so this does not block.
        let same = wait(&mut handles, WaitFor::FirstCompleted).unwrap();
        assert_eq!(same.done, [2]);
        let late = wait_timeout(&mut handles, WaitFor::All, Duration::from_millis(5));
        assert_eq!(late.pending, [0, 1, 3]);
        gates.iter().for_each(Gate::open);
        let all = wait(&mut handles, WaitFor::All).unwrap();
        assert_eq!(all.done, numbers(0..4));
        wait_for_all(handles);
        let nothing = wait(&mut Vec::<Handle<()>>::new(), WaitFor::FirstCompleted);
        assert_eq!(nothing.unwrap(), Waited::default());
    });
}

#[test]
fn wait_for_first_error_ignores_successes() {
    within_deadline(|| {
        let pool = ThreadPool::new(3).unwrap();
        let (gates, mut handles) = gated(&pool, 2);
        let gate = Gate::new();
        let inside = gate.clone();
        handles.push(
            pool.submit(move || {
                inside.pass();
                panic!("bad");
            })
            .unwrap(),
        );
        gates[0].open();
        support::eventually(|| handles[0].is_finished());
        let late = wait_timeout(&mut handles, WaitFor::FirstError, Duration::from_millis(5));
        assert_eq!(late.done, [0]);
        gate.open();
        let failed = wait(&mut handles, WaitFor::FirstError).unwrap();
        assert_eq!((failed.done, failed.pending), (vec![0, 2], vec![1]));
        gates[1].open();
        // Without an error, it waits for all.
        handles.truncate(2);
        assert_eq!(
            wait(&mut handles, WaitFor::FirstError).unwrap().done,
            [0, 1]
        );
    });
}

#[test]
fn wait_on_a_full_worker_progresses_and_honours_timeouts() {
    within_deadline(|| {
        let pool = Arc::new(ThreadPool::new(1).unwrap());
        let inner = Arc::clone(&pool);
        let outer = pool.submit(move || {
            let mut handles: Vec<_> = (0..3)
                .map(|_| inner.submit(|| thread::current().id()).unwrap())
                .collect();
            let none = wait_timeout(&mut handles, WaitFor::All, Duration::from_millis(5));
            assert!(none.done.is_empty());
            let one = wait(&mut handles, WaitFor::FirstCompleted).unwrap();
            assert_eq!(one.done, [0]);
            wait(&mut handles, WaitFor::All).unwrap();
            handles
                .into_iter()
                .all(|handle| handle.wait().unwrap() == thread::current().id())
        });
        assert!(outer.unwrap().wait().unwrap());
    });
}

#[test]
fn wait_nested_too_deep_is_an_error_and_keeps_the_handles() {
    within_deadline(|| {
        let pool = pool_of_depth(0);
        let inner = Arc::clone(&pool);
        let outer = pool.submit(move || {
            let mut handles = vec![inner.submit(|| 1).unwrap(), inner.submit(|| 2).unwrap()];
            let refused = wait(&mut handles, WaitFor::All);
            assert!(matches!(refused, Err(JobError::WouldDeadlock)));
            let mut results = as_completed(vec![handles.pop().unwrap()]);
            assert!(matches!(
                results.next(),
                Some((0, Err(JobError::WouldDeadlock)))
            ));
            assert!(results.next().is_none());
            handles.pop().unwrap()
        });
        let first = outer.unwrap().wait().unwrap();
        assert_eq!(first.wait().unwrap(), 1);
    });
}

#[test]
fn handles_of_several_pools_can_be_waited_for_together() {
    within_deadline(|| {
        let pools = [ThreadPool::new(1).unwrap(), ThreadPool::new(1).unwrap()];
        let pools = Arc::new(pools);
        let inner = Arc::clone(&pools);
        let outer = pools[0].submit(move || {
            let handles: Vec<_> = (0..10)
                .map(|n| inner[n % 2].submit(move || n).unwrap())
                .collect();
            as_completed(handles)
                .map(|(number, result)| usize::from(result.unwrap() == number))
                .sum::<usize>()
        });
        assert_eq!(outer.unwrap().wait().unwrap(), 10);
    });
}

#[test]
fn many_short_waits_for_one_long_job_leave_nothing_behind() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (gate, handle) = occupy(&pool);
        let mut handles = [handle];
        for _ in 0..100_000 {
            let late = wait_timeout(&mut handles, WaitFor::All, Duration::ZERO);
            assert_eq!(late.pending, [0]);
        }
        gate.open();
        assert_eq!(wait(&mut handles, WaitFor::All).unwrap().done, [0]);
    });
}
