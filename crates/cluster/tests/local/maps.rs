//! Maps: order, chunks, windows, iterators and streams.

use std::cell::Cell;
use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use effective_cluster::{Cluster, JobError, TimedOut, job};
use futures::executor::block_on;
use futures::stream::{self, StreamExt};

use crate::support::within_deadline;

job! {
    fn double(number: u64) -> u64 { 2 * number }

    fn jitter(number: u64) -> u64 {
        thread::sleep(Duration::from_micros(number * 7_919 % 400));
        number
    }

    fn refuse_sevens(number: u64) -> u64 {
        assert!(!number.is_multiple_of(7), "a seven");
        number
    }

    fn nap(milliseconds: u64) -> u64 {
        thread::sleep(Duration::from_millis(milliseconds));
        milliseconds
    }
}

fn inputs(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

#[test]
fn results_are_in_input_order() {
    let cluster = Cluster::local(4).unwrap();
    let results: Result<Vec<u64>, _> = cluster.map::<jitter>(0..2_000).into_iter().collect();
    assert!(results.unwrap().into_iter().eq(0..2_000));
    assert!(cluster.map::<double>(&[]).is_empty());
}

#[test]
fn tiny_inputs_share_messages() {
    let cluster = Cluster::local(2).unwrap();
    let results = cluster.map::<double>(0..100_000);
    assert!(
        results
            .iter()
            .zip(0..)
            .all(|(found, number)| *found.as_ref().unwrap() == 2 * number)
    );
    let counts = cluster.counts();
    assert!(counts.accepted < 50_000, "{counts:?}");
}

#[test]
fn failing_inputs_fail_by_themselves() {
    let cluster = Cluster::local(2).unwrap();
    let mapping = cluster.mapping().chunk_size(inputs(50));
    for (number, result) in (0..500_u64).zip(mapping.iter::<refuse_sevens, _>(0..500)) {
        if number.is_multiple_of(7) {
            match result {
                Err(JobError::Poisoned(poisoned)) => assert_eq!(poisoned.attempts(), 3),
                other => panic!("{number}: {other:?}"),
            }
        } else {
            assert_eq!(result.unwrap(), number);
        }
    }
}

#[test]
fn input_beyond_limit_ends_only_itself() {
    let cluster = Cluster::local(1).unwrap();
    let mapping = cluster
        .mapping()
        .chunk_size(inputs(4))
        .time_limit(Duration::from_millis(150));
    let results: Vec<_> = mapping.iter::<nap, _>([1, 600, 2, 3]).collect();
    assert!(
        matches!(
            results[..],
            [Ok(1), Err(JobError::Poisoned(_)), Ok(2), Ok(3)]
        ),
        "{results:?}"
    );
}

#[test]
fn iterator_reads_a_bounded_number_ahead() {
    let (cluster, read) = (Cluster::local(2).unwrap(), Cell::new(0));
    let counted = (0..).inspect(|_| read.set(read.get() + 1));
    let mut results = cluster
        .mapping()
        .look_ahead(inputs(10))
        .iter::<double, _>(counted);
    for number in 0..100 {
        assert_eq!(results.next().unwrap().unwrap(), 2 * number);
        assert!(read.get() <= number + 11, "{} were read", read.get());
    }
}

#[test]
fn next_timeout_keeps_the_result() {
    let cluster = Cluster::local(1).unwrap();
    let mut results = cluster.mapping().iter::<nap, _>([200]);
    assert_eq!(
        results.next_timeout(Duration::from_millis(1)).unwrap_err(),
        TimedOut
    );
    assert!(matches!(results.next(), Some(Ok(200))));
    assert!(matches!(results.next_timeout(Duration::ZERO), Ok(None)));
}

#[test]
fn dropped_iterator_withdraws_its_chunks() {
    let cluster = Cluster::local(1).unwrap();
    let mut results = cluster.mapping().iter::<nap, _>(vec![20; 1_000]);
    assert!(matches!(results.next(), Some(Ok(20))));
    drop(results);
    within_deadline(move || cluster.shutdown());
}

#[test]
fn stream_is_mapped_in_order() {
    let cluster = Cluster::local(2).unwrap();
    let source = stream::iter(0..5_000).boxed();
    let results = cluster.mapping().stream::<jitter, _>(source);
    let all: Vec<_> = block_on(results.map(Result::unwrap).collect());
    assert!(all.into_iter().eq(0..5_000));
}

#[test]
fn slow_consumer_slows_the_stream_down() {
    let (cluster, read) = (Cluster::local(2).unwrap(), Cell::new(0_u64));
    let source = stream::iter(0..)
        .inspect(|_| read.set(read.get() + 1))
        .boxed_local();
    let mut results = cluster
        .mapping()
        .look_ahead(inputs(16))
        .stream::<double, _>(source);
    block_on(async {
        for number in 0..50 {
            assert_eq!(results.next().await.unwrap().unwrap(), 2 * number);
            assert!(read.get() <= number + 17, "{} were read", read.get());
        }
    });
}
