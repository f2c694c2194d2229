//! Sources, keys and bounds that are unusual, and must do no harm.

mod support;

use effective_queue::Queue;
use support::{caught, some};

#[test]
fn put_all_does_not_ask_an_iterator_again_after_its_end() {
    for length in [0_usize, 1, 3, 255, 256, 257, 600] {
        let mut left = Some(length);
        let source = std::iter::from_fn(|| {
            let now = left.expect("it is not asked after its end");
            left = now.checked_sub(1);
            left
        });
        let queue = Queue::unbounded();
        assert_eq!(queue.put_all(source), Ok(length));
    }
}

#[test]
fn put_all_survives_an_iterator_that_panics_with_bombs_taken() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("bomb");
        }
    }
    let queue = Queue::unbounded();
    let put = caught(|| {
        queue.put_all((0..300).map(|n| {
            assert!(n != 290, "source");
            Bomb
        }))
    });
    assert_eq!(put.unwrap_err().downcast_ref(), Some(&"source"));
    // The first chunk was put.
    let rest = queue.close_now();
    assert_eq!(rest.len(), 256);
    std::mem::forget(rest);
}

#[test]
fn an_item_that_cannot_be_compared_locks_no_priority_queue() {
    #[derive(PartialEq, PartialOrd)]
    struct Key(f64);
    impl Eq for Key {}
    #[expect(
        clippy::derive_ord_xor_partial_ord,
        reason = "as one writes it by hand"
    )]
    impl Ord for Key {
        fn cmp(&self, other: &Self) -> std::cmp::Ordering {
            self.partial_cmp(other).expect("a number")
        }
    }
    for at in [0, 50, 100] {
        let queue = Queue::priority(None);
        for n in 0..=100 {
            let key = if n == at { f64::NAN } else { f64::from(n) };
            queue.put(Key(key)).unwrap();
        }
        let (mut got, mut panics) = (Vec::new(), 0);
        while !queue.is_empty() {
            match caught(|| queue.try_get().unwrap().into_inner().0) {
                Ok(key) => got.push(key),
                Err(_) => panics += 1,
            }
            assert!(panics < 5, "the others cannot be had");
        }
        assert_eq!(got.len(), 101);
        assert!(got[..100].is_sorted_by(|a, b| a > b), "{got:?}");
    }
}

#[test]
fn a_bound_meant_as_none_takes_no_memory() {
    for bound in [usize::MAX, isize::MAX as usize, 1 << 40, 1 << 28] {
        let queue = Queue::bounded(some(bound));
        assert_eq!(queue.capacity(), Some(bound));
        assert_eq!(queue.put_all(0..1_000_u64), Ok(1_000));
        queue.put(1_000).unwrap();
        assert_eq!(queue.len(), 1_001);
        assert_eq!(*queue.get().unwrap(), 0);
        assert!(
            queue
                .get_batch(some(500))
                .unwrap()
                .iter()
                .copied()
                .eq(1..=500)
        );
        assert_eq!(queue.close_now(), (501..=1_000).collect::<Vec<_>>());
        assert!(queue.put(0).is_err());
        queue.join();
    }
}
