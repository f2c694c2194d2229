//! Counts the words of a file: a fold of each piece into a map, and the maps combined.
//!
//! `cargo run --release -p effective-data-parallel --example word_count -- README.md`

use std::collections::HashMap;
use std::{env, fs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = match env::args().nth(1) {
        Some(path) => fs::read_to_string(path)?,
        None => include_str!("../README.md").to_owned(),
    };
    let lines: Vec<&str> = text.lines().collect();
    let counts = effective_data_parallel::DataParallel::new().fold(
        &lines,
        HashMap::new,
        |mut counts: HashMap<&str, usize>, line| {
            for word in line.split_whitespace() {
                *counts.entry(word).or_default() += 1;
            }
            counts
        },
        |a, b| {
            let (mut large, small) = if a.len() < b.len() { (b, a) } else { (a, b) };
            for (word, count) in small {
                *large.entry(word).or_default() += count;
            }
            large
        },
    )?;
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|&(word, count)| (std::cmp::Reverse(count), word));
    for (word, count) in counts.iter().take(10) {
        println!("{count:6} {word}");
    }
    Ok(())
}
