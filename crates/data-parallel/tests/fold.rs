//! `fold`: the result of a loop, and panics as its error.

mod support {
    pub(crate) mod bomb;
    pub(crate) mod pool;
}

use std::mem;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use effective_data_parallel::{DataParallel, Stop, TaskError};
use support::bomb::Bomb;
use support::pool::{count, pool};

#[test]
fn fold_equals_a_loop_for_any_pool_and_grain() {
    let inputs: Vec<u64> = (0..100_000).collect();
    let sum = |parallel: DataParallel| {
        parallel
            .fold(&inputs, || 0, |sum, n| sum + n, |a, b| a + b)
            .unwrap()
    };
    assert_eq!(sum(DataParallel::new()), 4_999_950_000);
    for grain in [1, 7, 1_000, 1_000_000] {
        assert_eq!(sum(pool(3).grain(count(grain))), 4_999_950_000);
    }
}

#[test]
fn fold_combines_pieces_in_order() {
    let inputs: Vec<usize> = (0..2_000).collect();
    for grain in [1, 3, 100] {
        let folded = pool(4).grain(count(grain)).fold(
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
fn fold_without_inputs_is_the_identity() {
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
fn fold_returns_the_panic_of_any_function() {
    let inputs: Vec<u64> = (0..1_000).collect();
    let own = pool(2).grain(count(10));
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
fn fold_starts_no_piece_after_a_panic() {
    let items = AtomicUsize::new(0);
    let outcome = pool(1).grain(count(1)).fold(
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
fn fold_within_times_out() {
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
    assert!(matches!(outcome, Err(TaskError::TimedOut)));
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

#[test]
fn panicking_destructor_does_not_replace_the_reason() {
    let (stop, both) = (Stop::new(), Barrier::new(2));
    // Each of the two pieces has a value when the call is stopped.
    let outcome = pool(2).grain(count(2)).fold_until(
        &stop,
        &[(); 4],
        || Bomb,
        |bomb, ()| {
            both.wait();
            stop.stop();
            bomb
        },
        |a, _| a,
    );
    let reason = outcome.map(mem::forget).unwrap_err();
    assert!(matches!(reason, TaskError::Stopped), "{reason:?}");
}

#[test]
fn panicking_destructors_do_not_replace_the_panic() {
    // All have started before one panics, so there are two values to drop.
    let all = Barrier::new(3);
    let outcome = pool(3).grain(count(1)).fold(
        &[0, 1, 2],
        || Bomb,
        |bomb, &n| {
            all.wait();
            if n == 2 {
                mem::forget(bomb);
                panic!("the last");
            }
            bomb
        },
        |a, b| {
            mem::forget(b);
            a
        },
    );
    assert_eq!(outcome.map(mem::forget).unwrap_err().message(), "the last");
}
