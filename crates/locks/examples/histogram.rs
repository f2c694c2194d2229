//! Counts the words of a text on several threads, each with a local handle of one sharded map.
//!
//! `cargo run -p effective-locks --example histogram -- README.md`

use std::env;
use std::error::Error;
use std::fs;
use std::thread;

use effective_locks::sharded::Map;

const SAMPLE: &str =
    "the quick brown fox jumps over the lazy dog and the dog does not mind the fox";

fn main() -> Result<(), Box<dyn Error>> {
    let text = match env::args().nth(1) {
        Some(path) => fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?,
        None => SAMPLE.to_owned(),
    };
    let lines: Vec<&str> = text.lines().collect();
    let threads = num_cpus::get();

    let counts = Map::new();
    thread::scope(|scope| {
        for part in lines.chunks(lines.len().div_ceil(threads).max(1)) {
            let counts = &counts;
            scope.spawn(move || {
                let mut counts = counts.local(|total: &mut u64, mine| *total += mine);
                let words = part.iter().flat_map(|line| line.split_whitespace());
                for word in words {
                    counts.update(word, |count| *count += 1);
                }
                // Dropping the handle merges it. `into_map` below does not compile before that.
            });
        }
    });

    let mut counts: Vec<_> = counts.into_map().into_iter().collect();
    counts.sort_by_key(|&(word, count)| (std::cmp::Reverse(count), word));
    for (word, count) in counts.iter().take(10) {
        println!("{count:>6} {word}");
    }
    Ok(())
}
