//! Unusual iterators, keys and bounds.

mod support;

use effective_queue::Queue;
use support::{caught, non_zero};

#[test]
fn put_all_asks_no_iterator_after_its_end() {
    for length in [0_usize, 1, 3, 255, 256, 257, 600] {
        let mut left = Some(length);
        let source = std::iter::from_fn(|| {
            let now = left.expect("no call after the end");
            left = now.checked_sub(1);
            left
        });
        let queue = Queue::unbounded();
        assert_eq!(queue.put_all(source), Ok(length));
    }
}

#[test]
fn incomparable_item_blocks_no_priority_queue() {
    #[derive(PartialEq, PartialOrd)]
    struct Key(f64);
    impl Eq for Key {}
    #[expect(
        clippy::derive_ord_xor_partial_ord,
        reason = "as users write it by hand"
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
fn huge_bound_allocates_no_memory() {
    for bound in [usize::MAX, isize::MAX as usize, 1 << 40, 1 << 28] {
        let queue = Queue::bounded(non_zero(bound));
        assert_eq!(queue.capacity(), Some(bound));
        assert_eq!(queue.put_all(0..1_000_u64), Ok(1_000));
        queue.put(1_000).unwrap();
        assert_eq!(queue.len(), 1_001);
        assert_eq!(*queue.get().unwrap(), 0);
        assert!(
            queue
                .get_batch(non_zero(500))
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
