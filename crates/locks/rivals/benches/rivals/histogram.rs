//! Threads that count skewed keys in one map. Every map has std's hasher.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Mutex;
use std::time::Duration;

use crossbeam_utils::CachePadded;
use dashmap::DashMap;
use effective_locks::sharded::Map;
use locks_rivals::{together, zipf_keys};
use workload_rivals::{Contest, Settings};

const UPDATES: usize = 1_000_000;
const KEYS: u64 = 4_096;

const LOCAL: &str = "sharded::Map, through local()";
const UPDATE: &str = "sharded::Map, update";
const DASHMAP: &str = "dashmap";

pub(crate) fn contest(threads: usize, settings: &Settings) {
    let each = UPDATES / threads;
    let keys: Vec<Vec<u64>> = (0..threads)
        .map(|thread| zipf_keys(each, KEYS, thread as u64))
        .collect();
    Contest::new(
        format!("histogram, {threads} threads"),
        "update",
        UPDATES as u64,
    )
    .ours(LOCAL, || {
        let counts = Map::new();
        let time = together(threads, |thread| {
            let mut mine = counts.local(|total: &mut u64, mine| *total += mine);
            for &key in &keys[thread] {
                mine.update(key, |count| *count += 1);
            }
        });
        checked(time, counts.into_map().into_values())
    })
    .ours(UPDATE, || {
        let counts: Map<u64, u64> = Map::new();
        let time = together(threads, |thread| {
            for &key in &keys[thread] {
                counts.update(key, |count| *count += 1);
            }
        });
        checked(time, counts.into_map().into_values())
    })
    .rival(DASHMAP, || {
        let counts: DashMap<u64, u64> = DashMap::new();
        let time = together(threads, |thread| {
            for &key in &keys[thread] {
                *counts.entry(key).or_default() += 1;
            }
        });
        checked(time, counts.into_iter().map(|(_, count)| count))
    })
    .rival("dashmap, get_mut first", || {
        let counts: DashMap<u64, u64> = DashMap::new();
        let time = together(threads, |thread| {
            for &key in &keys[thread] {
                if let Some(mut count) = counts.get_mut(&key) {
                    *count += 1;
                } else {
                    *counts.entry(key).or_default() += 1;
                }
            }
        });
        checked(time, counts.into_iter().map(|(_, count)| count))
    })
    .rival("std Mutex<HashMap>", || {
        let counts: Mutex<HashMap<u64, u64>> = Mutex::default();
        let time = together(threads, |thread| {
            for &key in &keys[thread] {
                *counts.lock().expect("not poisoned").entry(key).or_default() += 1;
            }
        });
        let counts = counts.into_inner().expect("not poisoned");
        checked(time, counts.into_values())
    })
    .rival("16 shards of std Mutex<HashMap>", || {
        let hasher = RandomState::new();
        let counts: [CachePadded<Mutex<HashMap<u64, u64>>>; 16] = Default::default();
        let time = together(threads, |thread| {
            for &key in &keys[thread] {
                let shard = &counts[hasher.hash_one(key) as usize % 16];
                *shard.lock().expect("not poisoned").entry(key).or_default() += 1;
            }
        });
        let counts = counts
            .into_iter()
            .map(|shard| shard.into_inner().into_inner().expect("not poisoned"));
        checked(time, counts.flat_map(HashMap::into_values))
    })
    .limit("separate maps, merged at the end", || {
        let counts: Mutex<HashMap<u64, u64>> = Mutex::default();
        let time = together(threads, |thread| {
            let mut mine: HashMap<u64, u64> = HashMap::new();
            for &key in &keys[thread] {
                *mine.entry(key).or_default() += 1;
            }
            let mut counts = counts.lock().expect("not poisoned");
            for (key, count) in mine {
                *counts.entry(key).or_default() += count;
            }
        });
        let counts = counts.into_inner().expect("not poisoned");
        checked(time, counts.into_values())
    })
    .reach_with(LOCAL, 0.5, DASHMAP)
    .reach_with(UPDATE, 0.8, DASHMAP)
    .run(settings);
}

fn checked(time: Duration, counts: impl Iterator<Item = u64>) -> Duration {
    assert_eq!(counts.sum::<u64>(), UPDATES as u64, "an update was lost");
    time
}
