//! Keys whose destructor uses the map, and whose `Eq` panics.

mod support {
    pub(crate) mod in_time;
}

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use effective_locks::sharded::Map;
use support::in_time::{PATIENCE, in_time};

/// A key whose destructor uses the map.
#[derive(Debug)]
struct Key(u32);

static SEEN: LazyLock<Map<Key, u64>> = LazyLock::new(Map::new);
static EQ_PANICS: AtomicBool = AtomicBool::new(false);

impl Drop for Key {
    fn drop(&mut self) {
        assert!(SEEN.len() <= 3);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        assert!(!EQ_PANICS.load(Ordering::SeqCst), "compared");
        self.0 == other.0
    }
}

impl Eq for Key {}

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

fn caught(work: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(work)).is_err());
}

fn use_the_map() {
    let add = |total: &mut u64, mine| *total += mine;
    for round in 1..=3 {
        for key in [1, 2, 3] {
            SEEN.update(Key(key), |n| *n += 1);
            SEEN.update_timeout(Key(key), PATIENCE, |n| *n += 1)
                .unwrap();
        }
        let mut local = SEEN.local(add);
        for key in [1, 2, 3, 1] {
            local.update(Key(key), |n| *n += 1);
        }
        local.flush();
        local.update(Key(2), |n| *n += 1);
        local.flush_timeout(PATIENCE).unwrap();
        drop(local);
        let mut values = Vec::new();
        SEEN.for_each(|key, n| values.push((key.0, *n)));
        values.sort_unstable();
        assert_eq!(values, [(1, 4 * round), (2, 4 * round), (3, 3 * round)]);
    }
    // With panics of the closure, of the merge, and of the key's `Eq`.
    caught(|| SEEN.update(Key(1), |_| panic!("closure")));
    caught(|| {
        let mut local = SEEN.local(|_, _| panic!("merge"));
        local.update(Key(1), |n| *n += 1);
        local.update(Key(2), |n| *n += 1);
        local.flush();
    });
    let mut local = SEEN.local(add);
    local.update(Key(3), |n| *n += 1);
    EQ_PANICS.store(true, Ordering::SeqCst);
    caught(|| SEEN.update(Key(1), |n| *n += 1));
    caught(|| local.flush());
    EQ_PANICS.store(false, Ordering::SeqCst);
    drop(local);
    assert_eq!(SEEN.len(), 3);
    assert_eq!(SEEN.remove(&Key(1)).map(drop), Some(()));
}

#[test]
fn key_that_uses_the_map_in_its_drop_does_not_deadlock() {
    in_time(use_the_map);
}
