//! Calls nested across pools: no stack overflow, no deadlock.

mod support {
    pub(crate) mod pool;
}

use std::collections::HashSet;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use effective_data_parallel::{DataParallel, Stop};
use rayon::prelude::*;
use support::pool::{count, pool};

/// Keeps a core busy while the other workers run.
fn work() {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_micros(20) {}
}

fn one_more(inner: &DataParallel, n: u64) -> u64 {
    let results = inner.map(&[n], |n| {
        work();
        n + 1
    });
    *results[0].as_ref().unwrap()
}

fn check(results: impl IntoIterator<Item = u64>, items: u64) {
    assert!(results.into_iter().eq(1..=items));
}

#[test]
fn nested_maps_across_pools_do_not_overflow() {
    let items: Vec<u64> = (0..3_000).collect();
    for (outer, inner) in [
        (pool(2), pool(1)),
        (pool(1).grain(count(1)), pool(1)),
        (pool(2).grain(count(1)), pool(2)),
    ] {
        let results = outer.map(&items, |&n| one_more(&inner, n));
        check(results.into_iter().map(Result::unwrap), 3_000);
        let results = outer.map_until(&Stop::new(), &items, |&n| one_more(&inner, n));
        check(results.into_iter().map(Result::unwrap), 3_000);
    }
}

#[test]
fn nested_folds_and_try_maps_do_not_overflow() {
    let items: Vec<u64> = (0..3_000).collect();
    let (outer, inner) = (pool(2).grain(count(1)), pool(1));
    let results = outer.try_map(&items, |&n| inner.try_map(&[n], |n| Ok::<_, ()>(n + 1)));
    check(results.unwrap().into_iter().flatten(), 3_000);
    let sum = outer.fold(
        &items,
        || 0,
        |sum, &n| sum + inner.fold(&[n], || 0, |a, b| a + b, |a, b| a + b).unwrap(),
        |a, b| a + b,
    );
    assert_eq!(sum.unwrap(), 2_999 * 3_000 / 2);
}

#[test]
fn map_nested_in_an_iterator_of_rayon_does_not_overflow() {
    let inner = pool(1);
    let items: Vec<u64> = (0..3_000).collect();
    let results: Vec<u64> = items
        .into_par_iter()
        .with_max_len(1)
        .map(|n| one_more(&inner, n))
        .collect();
    check(results, 3_000);
}

#[test]
fn map_nested_in_a_long_stream_does_not_overflow() {
    let (outer, inner) = (pool(2).look_ahead(count(1_000_000)), pool(1));
    let results = outer.stream(0..3_000_u64, move |n| one_more(&inner, n));
    check(results.map(Result::unwrap), 3_000);
}

#[test]
fn calls_in_a_cycle_of_pools_do_not_deadlock() {
    let items: Vec<u64> = (0..2_000).collect();
    for (a, b) in [(1, 1), (2, 1), (1, 2), (2, 2)] {
        let (a, b, c) = (pool(a).grain(count(1)), pool(b), pool(1));
        // A -> B -> A
        let results = a.map(&items, |&n| {
            let back = b.map(&[n], |&n| one_more(&a, n));
            *back[0].as_ref().unwrap()
        });
        check(results.into_iter().map(Result::unwrap), 2_000);
        // A -> B -> C -> A and the reverse, from several threads at once.
        thread::scope(|scope| {
            for cycle in [[&a, &b, &c], [&c, &b, &a], [&b, &c, &a]] {
                let items = &items[..200];
                scope.spawn(move || {
                    let [x, y, z] = cycle;
                    let results = x.map(items, |&n| {
                        let back = y.map(&[n], |&n| {
                            let back = z.map(&[n], |&n| one_more(x, n));
                            *back[0].as_ref().unwrap()
                        });
                        *back[0].as_ref().unwrap()
                    });
                    check(results.into_iter().map(Result::unwrap), 200);
                });
            }
        });
    }
}

#[test]
fn nested_call_runs_on_the_workers_of_its_own_pool() {
    let (outer, inner) = (pool(2), pool(1));
    let seen = Mutex::new(HashSet::new());
    let items: Vec<u64> = (0..200).collect();
    outer.map(&items, |&n| {
        inner.map(&[n, n, n], |_| {
            seen.lock().unwrap().insert(thread::current().id());
        })
    });
    assert_eq!(seen.into_inner().unwrap().len(), 1);
}

#[test]
fn panic_of_a_nested_call_fails_only_its_item() {
    let (outer, inner) = (pool(2), pool(1));
    let items: Vec<u64> = (0..50).collect();
    let results = outer.map(&items, |&n| {
        let results = inner.map(&[n], |&n| assert_ne!(n, 7, "no seven"));
        results[0]
            .as_ref()
            .err()
            .map(|panic| panic.message().to_owned())
    });
    for (n, result) in results.into_iter().enumerate() {
        assert_eq!(result.unwrap().is_some(), n == 7);
    }
}

#[test]
fn stream_whose_items_call_back_to_its_worker_ends() {
    let (a, b) = (pool(1), pool(1));
    let items: Vec<u64> = (0..200).collect();
    let results = a.map(&items, |&n| {
        let back = a.clone();
        let mut stream = b.stream([n], move |n| one_more(&back, n));
        stream.next().unwrap().unwrap()
    });
    check(results.into_iter().map(Result::unwrap), 200);
}
