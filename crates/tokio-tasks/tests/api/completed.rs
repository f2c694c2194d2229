//! `as_completed`.

use std::future::pending;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::time::Duration;

use futures::future::join;
use futures::stream::{FusedStream, Stream, StreamExt};

use crate::support::{Gauge, eventually, on_each_runtime, poll_times, turns};
use crate::tasks::{TaskError, Tasks, as_completed};

const THREE: NonZeroUsize = NonZeroUsize::new(3).unwrap();

#[test]
fn results_come_as_tasks_end() {
    on_each_runtime(async || {
        let gate = Gauge::default();
        let held = gate.enter();
        let mut held = Some(held);
        let mut answers = as_completed(["late", "early"], |name| {
            let gate = gate.clone();
            async move {
                if name == "late" {
                    eventually("the gate opens", || gate.live() == 0).await;
                }
                name
            }
        });
        let (index, name) = answers.next().await.unwrap();
        assert_eq!((index, name.unwrap()), (1, "early"));
        drop(held.take());
        let (index, name) = answers.next().await.unwrap();
        assert_eq!((index, name.unwrap()), (0, "late"));
        assert!(answers.next().await.is_none());
        assert!(answers.next().await.is_none());
    });
}

#[test]
fn stream_is_fused_and_has_an_exact_size_hint() {
    on_each_runtime(async || {
        let mut answers = Tasks::new().limit(THREE).as_completed(0..100, async |n| n);
        let mut left = 100;
        assert_eq!(answers.size_hint(), (left, Some(left)));
        let mut seen = Vec::new();
        while let Some((index, n)) = StreamExt::next(&mut answers).await {
            assert_eq!(index, n.unwrap());
            seen.push(index);
            left -= 1;
            assert_eq!(answers.size_hint(), (left, Some(left)));
        }
        assert!(answers.is_terminated());
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..100));
    });
}

#[test]
fn panics_are_results() {
    on_each_runtime(async || {
        let answers = Tasks::new().limit(THREE).as_completed(0..300, |n| {
            assert_ne!(n % 3, 1, "in the function");
            async move {
                turns(n % 4).await;
                assert_ne!(n % 3, 2, "in the task");
                n
            }
        });
        let mut answers: Vec<_> = answers.collect().await;
        answers.sort_by_key(|(index, _)| *index);
        assert_eq!(answers.len(), 300);
        for (n, (index, answer)) in answers.into_iter().enumerate() {
            assert_eq!(n, index);
            match answer {
                Ok(value) => assert_eq!((n % 3, value), (0, n)),
                Err(TaskError::Panicked(panic)) => {
                    let place = if n % 3 == 1 { "function" } else { "task" };
                    assert!(panic.message().contains(place), "{n}: {panic}");
                }
                Err(error) => panic!("{error}"),
            }
        }
    });
}

#[test]
fn limit_counts_tasks_and_unread_results() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        let mut answers = Tasks::new().limit(THREE).as_completed(0..200, |n| {
            let live = gauge.enter();
            async move {
                turns(n % 3).await;
                (n, live)
            }
        });
        let mut read = 0;
        while let Some((_, answer)) = answers.next().await {
            let (_, live) = answer.unwrap();
            if read % 10 == 0 {
                // A slow reader: the tasks started meanwhile stay within the limit.
                turns(20).await;
            }
            drop(live);
            read += 1;
        }
        // One more than the limit: the reader holds it.
        assert!(gauge.peak() <= 4, "{}", gauge.peak());
        assert!(gauge.peak() >= 3);
        assert_eq!((read, gauge.live()), (200, 0));
    });
}

#[test]
fn dropped_stream_leaves_inputs_in_the_iterator() {
    on_each_runtime(async || {
        let mut inputs = 0..1_000;
        {
            let all = Tasks::new()
                .limit(THREE)
                .as_completed(&mut inputs, |_| pending::<()>());
            let mut all = pin!(all.collect::<Vec<_>>());
            assert!(poll_times(all.as_mut(), 5).await.is_none());
        }
        assert!(inputs.eq(3..1_000));
    });
}

#[test]
fn no_task_starts_before_the_first_poll() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        drop(as_completed(0..10, |_| {
            let live = gauge.enter();
            async move { drop(live) }
        }));
        assert_eq!(gauge.entered(), 0);
    });
}

#[test]
fn fault_32_cancelled_read_loses_no_result() {
    on_each_runtime(async || {
        for polls in 0..20 {
            let mut answers = as_completed(0..10, |n| async move {
                turns(n).await;
                n
            });
            let mut seen = Vec::new();
            loop {
                // Dropped after `polls` polls, so a result may arrive during any of them.
                let read = {
                    let next = pin!(answers.next());
                    poll_times(next, polls).await
                };
                match read {
                    Some(Some((index, answer))) => seen.push((index, answer.unwrap())),
                    Some(None) => break,
                    None if polls == 0 => break,
                    None => {}
                }
                if polls > 0 && seen.len() < 10 && seen.len() % 3 == 2 {
                    let (index, answer) = answers.next().await.unwrap();
                    seen.push((index, answer.unwrap()));
                }
            }
            if polls > 0 {
                seen.sort_unstable();
                assert!(seen.into_iter().eq((0..10).map(|n| (n, n))));
            }
        }
    });
}

#[test]
fn dropped_stream_cancels_its_tasks() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        let mut answers = as_completed(0..100, |n| {
            let live = gauge.enter();
            async move {
                let _live = live;
                if n % 2 == 0 {
                    pending::<()>().await;
                }
            }
        });
        assert!(answers.next().await.is_some());
        drop(answers);
        eventually("all tasks are dropped", || gauge.live() == 0).await;
    });
}

#[test]
fn two_streams_run_side_by_side() {
    on_each_runtime(async || {
        let count = |many: usize| as_completed(0..many, async |n| n).count();
        assert_eq!(join(count(500), count(700)).await, (500, 700));
    });
}

#[test]
fn first_result_does_not_wait_for_slow_inputs() {
    on_each_runtime(async || {
        let mut taken = 0;
        // Slow inputs, like the rows of a file.
        let inputs = (0..10_000).inspect(|_| {
            std::thread::sleep(Duration::from_millis(1));
            taken += 1;
        });
        let mut answers = as_completed(inputs, async |n| n);
        assert!(answers.next().await.is_some());
        drop(answers);
        assert!(taken < 5_000, "{taken} inputs were taken first");
    });
}

#[test]
fn results_come_while_inputs_never_end() {
    on_each_runtime(async || {
        let mut answers = as_completed(0_u64.., async |n| n);
        for _ in 0..10_000 {
            let (index, answer) = answers.next().await.unwrap();
            assert_eq!(index as u64, answer.unwrap());
        }
    });
}

#[test]
fn slow_reader_does_not_delay_tasks_without_a_limit() {
    on_each_runtime(async || {
        let gauge = Gauge::default();
        let mut answers = as_completed(0..1_000, |n| {
            drop(gauge.enter());
            async move { n }
        });
        // Each read starts a few tasks: on a busy machine only those until the first has ended.
        for _ in 0..900 {
            if gauge.entered() == 1_000 {
                break;
            }
            assert!(answers.next().await.is_some());
            turns(5).await;
        }
        assert_eq!(gauge.entered(), 1_000, "a tenth of the results is unread");
    });
}
