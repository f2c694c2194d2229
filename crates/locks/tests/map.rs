//! `sharded::Map`: no update is lost, a panic affects one value at most, and waits can time out.

mod support {
    pub(crate) mod in_time;
}

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::{self, AssertUnwindSafe};
use std::thread;
use std::time::Duration;

use effective_locks::Event;
use effective_locks::sharded::Map;
use support::in_time::in_time;

fn add(total: &mut u64, mine: u64) {
    *total += mine;
}

#[test]
fn updates_and_local_handles_lose_no_update() {
    in_time(|| {
        for shards in [1, 4, 256] {
            let map = Map::with_shards_and_hasher(shards, RandomState::new());
            thread::scope(|scope| {
                for thread in 0..8_u64 {
                    let map = &map;
                    scope.spawn(move || {
                        let mut local = map.local(add);
                        for n in 0..3_000 {
                            let key = (n * n + thread) % 97;
                            if n % 2 == 0 {
                                map.update(key, |count: &mut u64| *count += 1);
                            } else {
                                local.update(key, |count| *count += 1);
                            }
                            if n % 500 == 0 {
                                local.flush();
                            }
                        }
                    });
                }
            });
            let mut expected = HashMap::new();
            for thread in 0..8_u64 {
                for n in 0..3_000 {
                    *expected.entry((n * n + thread) % 97).or_insert(0_u64) += 1;
                }
            }
            assert_eq!(map.len(), expected.len());
            assert_eq!(map.snapshot(), expected);
            assert_eq!(map.into_map(), expected, "{shards} shards");
        }
    });
}

/// A hasher that gives all keys the same hash: they share a shard, and only `Eq` tells them apart.
#[derive(Default)]
struct Same;

impl Hasher for Same {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, _: &[u8]) {}
}

#[test]
fn keys_of_the_same_hash_are_kept_apart() {
    let map: Map<u32, u32, BuildHasherDefault<Same>> = Map::default();
    for key in (0..50).chain(0..50) {
        map.update(key, |value| *value += key);
    }
    assert_eq!(map.len(), 50);
    assert!((0..50).all(|key| map.get(&key) == Some(2 * key)));
    // The other keys stay, and a removed key can be added again.
    for key in (0..50).step_by(3) {
        assert_eq!(map.remove(&key), Some(2 * key));
        assert_eq!(map.remove(&key), None);
    }
    for key in 0..50 {
        map.update(key, |value| *value += 1);
    }
    for key in 0..50 {
        let expected = if key % 3 == 0 { 1 } else { 2 * key + 1 };
        assert_eq!(map.get(&key), Some(expected));
    }
    assert_eq!(map.len(), 50);
}

#[test]
fn reads_see_updates_and_removals() {
    let map = Map::new();
    assert!(map.is_empty());
    map.update("one".to_owned(), |value: &mut Vec<u8>| value.push(1));
    map.update("two".to_owned(), |value| value.push(2));
    assert_eq!(map.read("one", Vec::len), Some(1));
    assert_eq!(map.read("three", Vec::len), None);
    assert_eq!(map.get("two"), Some(vec![2]));
    let mut keys = Vec::new();
    map.for_each(|key, _| keys.push(key.clone()));
    keys.sort();
    assert_eq!(keys, ["one", "two"]);
    assert_eq!(map.update("two".to_owned(), |value| value.len()), 1);
    assert_eq!(map.remove("two"), Some(vec![2]));
    assert_eq!(map.len(), 1);
}

#[test]
fn panicking_closure_leaves_the_map_usable() {
    let map = Map::new();
    for key in 0..100 {
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
            map.update(key, |value: &mut u32| {
                *value = 7;
                // A panic without a message on the terminal.
                panic::resume_unwind(Box::new("half-way"));
            });
        }));
        assert!(outcome.is_err());
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
            map.read(&key, |_| panic::resume_unwind(Box::new("reading")))
        }));
        assert!(outcome.is_err());
    }
    assert_eq!(map.len(), 100);
    map.for_each(|_, value| assert_eq!(*value, 7));
}

#[test]
fn panicking_default_adds_no_key() {
    struct Never;
    impl Default for Never {
        fn default() -> Self {
            panic::resume_unwind(Box::new("no default"));
        }
    }
    let map: Map<u8, Never> = Map::new();
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| map.update(1, |_| ())));
    assert!(outcome.is_err());
    assert!(map.is_empty());
}

#[test]
fn wait_for_a_slow_closure_times_out() {
    in_time(|| {
        let map: Map<u8, u32> = Map::new();
        let (inside, over) = (Event::new(), Event::new());
        let short = Duration::from_millis(20);
        thread::scope(|scope| {
            scope.spawn(|| {
                map.update(1, |value| {
                    inside.set();
                    over.wait();
                    *value += 1;
                });
            });
            inside.wait();
            let error = map
                .update_timeout(1, short, |value| *value += 10)
                .expect_err("the shard is locked");
            assert!(
                error
                    .to_string()
                    .starts_with("a shard of the map was not free within 20ms")
            );
            assert!(map.read_timeout(&1, short, |value| *value).is_err());
            assert!(map.snapshot_timeout(short).is_err());
            assert!(map.remove_timeout(&1, short).is_err());
            let mut seen = 0;
            assert!(map.for_each_timeout(short, |_, _| seen += 1).is_err());
            // A flush that times out keeps the values that it could not merge.
            let mut local = map.local(|total, mine| *total += mine);
            for key in 0..100 {
                local.update(key, |value| *value += 100);
            }
            assert!(local.flush_timeout(short).is_err());
            let pending = local.pending();
            assert!((1..=100).contains(&pending), "{pending}");
            local.update(1, |value| *value += 100);
            assert_eq!(local.pending(), pending);
            local.discard();
            over.set();
        });
        assert_eq!(
            map.read_timeout(&1, short, |value| *value).expect("free"),
            Some(1)
        );
        assert_eq!(
            map.update_timeout(1, short, |value| {
                *value += 1;
                *value
            })
            .expect("free"),
            2
        );
        assert_eq!(map.snapshot_timeout(short).expect("free"), map.snapshot());
    });
}

#[test]
fn local_handle_is_flushed_on_drop_unless_discarded() {
    let map = Map::new();
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
        let mut local = map.local(add);
        local.update("kept", |count| *count += 2);
        assert_eq!(local.pending(), 1);
        panic::resume_unwind(Box::new("while counting"));
    }));
    assert!(outcome.is_err());
    let mut local = map.local(add);
    local.update("discarded", |count| *count += 2);
    local.discard();
    assert_eq!(map.into_map(), HashMap::from([("kept", 2)]));
}

#[test]
fn panicking_merge_loses_no_other_value() {
    let map = Map::new();
    for key in 0..100_u64 {
        map.update(key, |value: &mut u64| *value = 1_000);
    }
    let mut calls = 0;
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
        let mut local = map.local(|total, mine| {
            calls += 1;
            if mine % 10 == 3 {
                panic::resume_unwind(Box::new(mine));
            }
            *total += mine;
        });
        for key in 0..100 {
            local.update(key, |value| *value = key);
        }
    }));
    // The first panic is resumed, whichever it is.
    let payload = outcome.expect_err("a merge panicked");
    assert_eq!(payload.downcast_ref::<u64>().map(|mine| mine % 10), Some(3));
    assert_eq!(calls, 100);
    for key in 0..100 {
        let expected = if key % 10 == 3 { 1_000 } else { 1_000 + key };
        assert_eq!(map.get(&key), Some(expected));
    }
}

#[test]
fn panicking_merge_during_a_panic_does_not_abort() {
    let map = Map::new();
    map.update(1, |value: &mut u64| *value = 1);
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
        let mut local = map.local(|_, _| panic::resume_unwind(Box::new("second")));
        local.update(1, |value| *value += 1);
        local.update(2, |value| *value += 1);
        panic::resume_unwind(Box::new("first"));
    }));
    let payload = outcome.expect_err("it panicked");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"first"));
    // A key that the map does not have is inserted without `merge`.
    assert_eq!(map.get(&2), Some(1));
}
