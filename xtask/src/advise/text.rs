//! The advice on one screen, within 80 columns.

use super::bounds::{Bounds, Work};
use super::decide::{Decision, Outcome, Taken, Workers};
use super::flips::Flip;
use super::report::Advice;
use crate::render::number::{bytes, duration, plural, ratio};
use crate::render::race::Race;
use crate::render::text::{clipped, list, wrap};
use crate::results::{JudgedBy, Results};
use crate::stats::BASELINE;
use crate::text::name;

/// The rows of contenders that are shown.
const MOST_ROWS: usize = 6;

/// The advice as text.
pub(super) fn screen(advice: &Advice, measured: &Results) -> String {
    let mut out = head(advice, measured);
    out.push_str(&answer(&advice.decision, measured));
    out.push('\n');
    out.push_str(&contenders(measured));
    out.push('\n');
    if let (Some(bounds), Some(work)) = (&advice.bounds, &advice.work) {
        out.push_str(&wrap("bound     ", &bound(bounds, work, &advice.decision)));
    }
    out.push_str(&flips(&advice.flips, &advice.decision));
    out.push_str(&wrap(
        "unknown   ",
        "locks that tasks share in your program, memory bandwidth beyond this number of workers, and \
         the limits of remote services.",
    ));
    out
}

fn head(advice: &Advice, measured: &Results) -> String {
    let work = advice.work.map_or_else(String::new, |work| {
        format!(
            ", {} of computing and {} of waiting in all",
            duration(work.cpu_ns),
            duration(work.waiting_ns)
        )
    });
    let text = format!(
        "{}: {}{work}, on {}",
        name(&advice.workload),
        plural(advice.tasks, "task"),
        plural(measured.environment.cpus, "processor")
    );
    wrap("", &text)
}

fn answer(decision: &Decision, measured: &Results) -> String {
    let margin = measured.settings.margin() * 100.0;
    let Some(taken) = &decision.taken else {
        return match (decision.verdict, &decision.fastest) {
            (Outcome::Disagreement, Some(fastest)) => wrap(
                "NO ADVICE ",
                &format!(
                    "{} took {}, and by the bounds it takes at least {}: the measurement \
                     or the bound is wrong. A kind of work that gets cheaper when it is spread over \
                     caches, or a function that remembers its answers, would explain it.",
                    name(&fastest.label()),
                    fastest
                        .wall_ns
                        .map_or("?".to_owned(), |wall| duration(wall.median)),
                    fastest.least_ns.map_or("?".to_owned(), duration)
                ),
            ),
            _ => wrap(
                "NO ADVICE ",
                "nothing was measured; see the warnings above.",
            ),
        };
    };
    let others: Vec<String> = decision
        .others
        .iter()
        .map(|one| name(&one.label()))
        .collect();
    let text = match decision.verdict {
        Outcome::Sequential => "sequential is good enough: nothing was shown to be faster by more \
                                than the margin"
            .to_owned(),
        Outcome::Open if !others.is_empty() => {
            let mut all = vec![name(&taken.label())];
            all.extend(others.iter().cloned());
            format!("between {}: take the simpler, {}", list(&all), told(taken))
        }
        _ if others.is_empty() => told(taken),
        _ => format!(
            "{}; {} within {margin:.0} % of it and less simple",
            told(taken),
            match others.len() {
                1 => format!("{} is", others[0]),
                _ => format!("{} are", list(&others)),
            }
        ),
    };
    let head = match decision.verdict {
        Outcome::Open if !others.is_empty() => "OPEN      ",
        _ => "TAKE      ",
    };
    wrap(head, &format!("{text}."))
}

/// The model with its workers, and what it brings.
fn told(taken: &Taken) -> String {
    let workers = taken.workers.map_or_else(String::new, |workers| {
        format!(" with {}", number_of_workers(workers))
    });
    let faster = taken.speedup.filter(|_| taken.model != BASELINE);
    let faster = faster.map_or_else(String::new, |speedup| {
        let bounds = speedup
            .low
            .zip(speedup.high)
            .map_or_else(String::new, |(low, high)| {
                format!(" [{} to {}]", ratio(low), ratio(high))
            });
        format!(
            ", {} times as fast as sequential{bounds}",
            ratio(speedup.median)
        )
    });
    let memory = taken.memory_bytes.map_or_else(String::new, |memory| {
        format!(", {} of memory beside its idle workers", bytes(memory))
    });
    format!("{}{workers}{faster}{memory}", name(&taken.label()))
}

fn number_of_workers(workers: Workers) -> String {
    let or_more = if workers.or_more && workers.most > workers.take {
        " or more"
    } else {
        ""
    };
    match workers.least == workers.most {
        true => plural(workers.take, "worker"),
        false => format!(
            "{} ({} to {}{or_more} do as well)",
            plural(workers.take, "worker"),
            workers.least,
            workers.most
        ),
    }
}

/// The contenders with their best number of workers.
fn contenders(measured: &Results) -> String {
    let Some(table) = measured.workloads.first() else {
        return String::new();
    };
    let race = Race::of(measured, table);
    let mut out =
        String::from("contender                workers       time    to the best  verdict\n");
    let mut seen: Vec<String> = Vec::new();
    for row in race.rows.iter().filter(|row| row.is_rival) {
        let label = row.cell.contestant();
        if seen.contains(&label) || (seen.len() >= MOST_ROWS && label != BASELINE) {
            continue;
        }
        let workers = match row.cell.workers {
            0 => "·".to_owned(),
            n => n.to_string(),
        };
        let time = row
            .cell
            .judged()
            .map_or("·".to_owned(), |wall| duration(wall.median));
        let to_best = row
            .ratio
            .map_or("·".to_owned(), |it| match (it.low, it.high) {
                (Some(low), Some(high)) => format!("{}–{}", ratio(low), ratio(high)),
                (Some(low), None) => format!(">{}", ratio(low)),
                _ => format!("{}?", ratio(it.median)),
            });
        let verdict = serde_json::to_value(row.verdict).ok();
        let verdict = verdict.and_then(|it| it.as_str().map(|text| text.replace('_', " ")));
        let by = match row.by {
            Some(JudgedBy::Lives) => " by lives",
            _ => "",
        };
        out.push_str(&clipped(&format!(
            "{:<24}{workers:>8}{time:>11}{to_best:>15}  {}{by}",
            name(&label),
            verdict.unwrap_or_default()
        )));
        seen.push(label);
    }
    out
}

/// The bounds in words.
fn bound(bounds: &Bounds, work: &Work, decision: &Decision) -> String {
    let longest = match bounds.longest_ns {
        0.0 => String::new(),
        ns => format!(", the longest task {}", duration(ns)),
    };
    let workers = decision.taken.as_ref().and_then(|taken| taken.workers);
    let with = workers.map_or_else(String::new, |workers| {
        format!(
            ", with {} at once {} times",
            workers.take,
            ratio(work.most_speedup_with(workers.take, bounds.cpus))
        )
    });
    format!(
        "at most {} times as fast as sequential, whatever you choose{with}: all CPU time takes {} on {}{longest}. \
         Twice the processors: at most {} times.",
        ratio(bounds.most_speedup),
        duration(bounds.shared_cpu_ns),
        plural(bounds.cpus, "processor"),
        ratio(bounds.most_speedup_with_twice_the_cpus)
    )
}

/// The changes that would flip the answer, and those that would not.
fn flips(flips: &[Flip], decision: &Decision) -> String {
    if flips.is_empty() || decision.taken.is_none() {
        return String::new();
    }
    let mut out = String::new();
    for (place, flip) in flips.iter().enumerate() {
        let head = if place == 0 {
            "flips     "
        } else {
            "          "
        };
        let slower = flip.ratio.map_or_else(String::new, |it| {
            format!(", and the one above takes {} times as long", ratio(it))
        });
        let takes = flip.takes.as_deref().map_or_else(|| "·".to_owned(), name);
        let text = match flip.flips {
            Some(false) => format!("{}: the same", flip.what),
            Some(true) => format!("{}: {takes} instead{slower}", flip.what),
            None => format!("{}: open", flip.what),
        };
        out.push_str(&wrap(head, &text));
    }
    out
}

#[cfg(test)]
mod tests;
