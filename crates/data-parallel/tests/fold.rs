//! What `fold` promises: the sequential result, and its panics as one error.

use std::mem;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use effective_data_parallel::{DataParallel, TaskError};

fn pool(workers: usize) -> DataParallel {
    DataParallel::new()
        .workers(workers)
        .expect("the pool starts")
}

#[test]
fn a_fold_of_100_000_items_is_what_a_loop_gives_whatever_the_pool_and_grain() {
    let inputs: Vec<u64> = (0..100_000).collect();
    let sum = |parallel: DataParallel| {
        parallel
            .fold(&inputs, || 0, |sum, n| sum + n, |a, b| a + b)
            .unwrap()
    };
    assert_eq!(sum(DataParallel::new()), 4_999_950_000);
    for grain in [1, 7, 1_000, 1_000_000] {
        assert_eq!(sum(pool(3).grain(grain).unwrap()), 4_999_950_000);
    }
}

#[test]
fn pieces_are_combined_in_order_so_the_operation_need_not_commute() {
    let inputs: Vec<usize> = (0..2_000).collect();
    for grain in [1, 3, 100] {
        let folded = pool(4).grain(grain).unwrap().fold(
            &inputs,
            Vec::new,
            |mut list, n| {
                list.push(*n);
                list
            },
            |a, b| [a, b].concat(),
        );
        assert_eq!(folded.unwrap(), inputs);
    }
}

#[test]
fn without_inputs_the_result_is_the_identity() {
    assert_eq!(
        pool(2).fold(&[0_u8; 0], || 41, |_, _| 0, |_, _| 0).unwrap(),
        41
    );
    assert_eq!(
        pool(2)
            .fold_within(Duration::ZERO, &[0_u8; 0], || 41, |_, _| 0, |_, _| 0)
            .unwrap(),
        41
    );
}

#[test]
fn a_panic_in_any_of_the_functions_is_the_error_and_the_pool_lives_on() {
    let inputs: Vec<u64> = (0..1_000).collect();
    let own = pool(2).grain(10).unwrap();
    let add = |a: u64, b: u64| a + b;
    let in_identity = own.fold(&inputs, || -> u64 { panic!("identity") }, |a, n| a + n, add);
    let in_fold = own.fold(
        &inputs,
        || 0,
        |a, &n| if n == 555 { panic!("fold") } else { a + n },
        add,
    );
    let in_combine = own.fold(&inputs, || 0, |a, n| a + n, |_, _| panic!("combine"));
    let without_inputs = own.fold(&[0; 0], || -> u64 { panic!("identity") }, |a, n| a + n, add);
    assert_eq!(in_identity.unwrap_err().message(), "identity");
    assert_eq!(in_fold.unwrap_err().message(), "fold");
    assert_eq!(in_combine.unwrap_err().message(), "combine");
    assert_eq!(without_inputs.unwrap_err().message(), "identity");
    assert_eq!(own.fold(&inputs, || 0, |a, n| a + n, add).unwrap(), 499_500);
}

#[test]
fn no_piece_starts_after_a_panic() {
    let items = AtomicUsize::new(0);
    let outcome = pool(1).grain(1).unwrap().fold(
        &[(); 1_000],
        || (),
        |(), ()| {
            items.fetch_add(1, Ordering::SeqCst);
            panic!("the first");
        },
        |(), ()| (),
    );
    assert!(outcome.is_err());
    assert_eq!(items.into_inner(), 1);
}

#[test]
fn a_fold_that_is_not_through_in_time_gives_up() {
    let items = AtomicUsize::new(0);
    let slow = |(), _: &()| {
        items.fetch_add(1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(30));
    };
    let outcome = pool(2).fold_within(
        Duration::from_millis(10),
        &[(); 1_000],
        || (),
        slow,
        |(), ()| (),
    );
    assert!(matches!(outcome, Err(TaskError::NotStarted)));
    assert!(items.into_inner() <= 2);

    let inputs: Vec<u64> = (0..1_000).collect();
    let sum = pool(2).fold_within(Duration::MAX, &inputs, || 0, |sum, n| sum + n, |a, b| a + b);
    assert_eq!(sum.unwrap(), 499_500);
    let panic = pool(2).fold_within(
        Duration::MAX,
        &inputs,
        || 0,
        |_, _| panic!("gone"),
        |a: u64, _| a,
    );
    assert!(matches!(panic, Err(TaskError::Panicked(panic)) if panic.message() == "gone"));
}

/// Panics when dropped, and counts that.
struct Bomb<'a>(&'a AtomicUsize);

impl Drop for Bomb<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("dropped");
    }
}

#[test]
fn values_that_panic_when_a_failed_fold_drops_them_are_contained() {
    let drops = AtomicUsize::new(0);
    // One worker: the first two pieces are folded to bombs and combined before the third panics.
    let alone = pool(1).grain(1).unwrap().fold(
        &[0, 1, 2, 3],
        || None,
        |_, n| match n {
            2 => panic!("third"),
            _ => Some(Bomb(&drops)),
        },
        |a, b| {
            mem::forget(b);
            a
        },
    );
    // Mapped away first: what is left of a failed test must not drop a bomb.
    let message = alone.map(mem::forget).unwrap_err().message().to_owned();
    assert_eq!(message, "third");
    assert!(drops.swap(0, Ordering::SeqCst) >= 1);

    // Four workers: three bombs are there when the fourth piece panics.
    let all = Barrier::new(4);
    let together = pool(4).grain(1).unwrap().fold(
        &[0, 1, 2, 3],
        || None,
        |_, n| {
            all.wait();
            match n {
                3 => panic!("last"),
                _ => Some(Bomb(&drops)),
            }
        },
        |a, b| {
            mem::forget(b);
            a
        },
    );
    let message = together.map(mem::forget).unwrap_err().message().to_owned();
    assert_eq!(message, "last");
    assert!(drops.into_inner() >= 1);
}

#[test]
fn a_value_that_panics_when_the_time_is_up_hides_nothing() {
    let drops = AtomicUsize::new(0);
    let outcome = pool(1).grain(10).unwrap().fold_within(
        Duration::from_millis(10),
        &[(); 10],
        || None,
        |folded, ()| {
            mem::forget(folded);
            thread::sleep(Duration::from_millis(15));
            Some(Bomb(&drops))
        },
        |a, _| a,
    );
    let error = outcome.map(mem::forget).unwrap_err();
    assert!(matches!(error, TaskError::NotStarted), "{error}");
    assert_eq!(drops.into_inner(), 1);
}
