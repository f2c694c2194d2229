//! Two rankings side by side: of a workload, and of its replay.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::Failed;

/// A time with its interval, in nanoseconds.
#[derive(Debug, Clone, Copy)]
struct Time {
    median: f64,
    low: f64,
    high: f64,
}

/// The times of a table by contestant. A model with workers by how long the tasks wait is another
/// contestant than the same with one worker for each processor.
type Times = BTreeMap<String, Time>;

/// Differences below this are none, as in the comparison's tables.
const MARGIN: f64 = 1.05;

pub(super) fn print(name: &str, original: &Path, replayed: &Path) -> Result<(), Failed> {
    let (original, replayed) = (times(original)?, times(replayed)?);
    let ranked = by_time(&original);
    let (mut same, mut told_apart) = (0, 0);
    let mut opposite = Vec::new();
    for (place, one) in ranked.iter().enumerate() {
        for other in &ranked[place + 1..] {
            let (Some(one_again), Some(other_again)) = (replayed.get(*one), replayed.get(*other))
            else {
                continue;
            };
            if !differ(original[*one], original[*other]) || !differ(*one_again, *other_again) {
                continue;
            }
            told_apart += 1;
            if one_again.median < other_again.median {
                same += 1;
            } else {
                opposite.push(format!("{one} and {other}"));
            }
        }
    }
    println!("\n### {name}\n\n| contestant | recorded workload | replay |\n|---|---:|---:|");
    for name in &ranked {
        let replayed = replayed
            .get(*name)
            .map_or("none".to_owned(), |time| ms(time.median));
        println!("| {name} | {} | {replayed} |", ms(original[*name].median));
    }
    println!("\nOf {told_apart} pairs that both tell apart, {same} are in the same order.");
    for pair in &opposite {
        println!("In the opposite order: {pair}.");
    }
    let advised = by_time(&replayed)
        .into_iter()
        .find(|name| original.contains_key(*name));
    if let (Some(best), Some(advised)) = (ranked.first(), advised) {
        let regret = original[advised].median / original[*best].median;
        println!("The replay's best is {advised}: {regret:.2} times the best's time.");
    }
    Ok(())
}

fn times(path: &Path) -> Result<Times, Failed> {
    let results: Value = serde_json::from_slice(&std::fs::read(path)?)?;
    let mut times = Times::new();
    for cell in results["cells"].as_array().ok_or("results without cells")? {
        let number = |key: &str| cell["wall_ns"][key].as_f64();
        let Some(median) = number("median") else {
            continue;
        };
        let time = Time {
            median,
            low: number("low").unwrap_or(median / 2.0),
            high: number("high").unwrap_or(median * 2.0),
        };
        let (model, variant) = (&cell["model"], &cell["variant"]);
        let (model, variant) = (model.as_str().unwrap_or(""), variant.as_str().unwrap_or(""));
        let mut name = match variant {
            "" => model.to_owned(),
            variant => format!("{model}/{variant}"),
        };
        if cell["sized"] == true {
            name += " with more workers";
        }
        times.insert(name, time);
    }
    Ok(times)
}

fn by_time(times: &Times) -> Vec<&str> {
    let mut names: Vec<&str> = times.keys().map(String::as_str).collect();
    names.sort_by(|one, other| times[*one].median.total_cmp(&times[*other].median));
    names
}

/// Whether the intervals are apart, by more than the margin.
fn differ(one: Time, other: Time) -> bool {
    let apart = one.high < other.low || other.high < one.low;
    let ratio = one.median / other.median;
    apart && !(1.0 / MARGIN..MARGIN).contains(&ratio)
}

fn ms(ns: f64) -> String {
    format!("{:.2} ms", ns / 1e6)
}
