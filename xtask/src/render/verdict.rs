//! The verdict on a table, in sentences made from its figures.

use super::number::{bytes, clear_ratio, count, duration, plural, ratio};
use super::text::list;
use super::view::{self, Names};
use crate::results::{Cell, Interval, Results, Workload};
use crate::stats::counted;

/// A baseline this close to the best is good enough: nobody maintains threads for less.
const GOOD_ENOUGH: f64 = 1.10;

/// Two times within this factor count as equal.
const MARGIN: f64 = 1.05;

/// A model that is another one with an addition, and its description.
const WATCHED: (&str, &str) = ("stall-watch", "tokio-tasks with a watch");

/// The winner, its lead over the next slower cell, its cost, and whether one thread would do.
pub(super) fn verdict(results: &Results, workload: &Workload) -> String {
    let names = Names::new(results);
    let cells = view::cells(results, workload);
    let skipped = view::skipped(results, workload).len();
    let measured: Vec<&Cell> = cells
        .iter()
        .copied()
        .filter(|cell| view::measured(cell))
        .collect();
    let title = view::title_in_words(results, workload);
    let all = cells.len() + skipped;
    let Some((best, others)) = measured.split_first() else {
        return format!("{title}: none of {} gave a figure.", plural(all, "cell"));
    };

    let mut sentences = Vec::new();
    let said = |tied: Option<bool>| {
        others
            .iter()
            .copied()
            .find(|cell| cell.tied_with_best == tied)
    };
    let not_apart: Vec<&Cell> = others
        .iter()
        .copied()
        .filter(|cell| cell.tied_with_best == Some(true))
        .collect();
    // Prefers a cell that was judged: a single sample says nothing.
    let next = said(Some(false)).or_else(|| said(None));
    sentences.push(winner(best, next, !not_apart.is_empty(), all, &names));
    // A wide interval around 1 shows nothing, and so is not a tie.
    let (tied, open): (Vec<&Cell>, Vec<&Cell>) =
        not_apart.into_iter().partition(|cell| is_tie(cell));
    for (cells, what) in [(tied, "Tied with it"), (open, "Not told apart from it")] {
        let cells: Vec<String> = cells.iter().map(|cell| with_cost(cell, &names)).collect();
        if !cells.is_empty() {
            sentences.push(format!("{what}: {}.", list(&cells)));
        }
    }
    sentences.extend(baseline(results, workload, best, others, &cells));
    if measured.len() < all {
        let verb = if measured.len() == 1 { "has" } else { "have" };
        sentences.push(format!(
            "Only {} of {all} cells {verb} figures.",
            measured.len()
        ));
    }
    format!("{title}: {}", sentences.join(" "))
}

/// Whether the interval shows a tie with the best, within a margin too small to matter.
fn is_tie(cell: &Cell) -> bool {
    let bounds = cell.ratio_to_best.and_then(|ratio| view::bounds(&ratio));
    bounds.is_some_and(|(low, high)| low >= 1.0 / MARGIN && high <= MARGIN)
}

fn winner(best: &Cell, next: Option<&Cell>, tied: bool, all: usize, names: &Names) -> String {
    let time = best
        .judged()
        .map_or_else(String::new, |judged| duration(judged.median));
    let time = match best.response_ns {
        Some(_) => format!("{time} for 99 of 100 requests"),
        None => time,
    };
    let name = with_cost(best, names);
    let Some((next, lead)) = next.and_then(|next| Some((next, next.ratio_to_best?))) else {
        return if tied {
            format!("{name} came first in {time}, ahead of none by more than noise.")
        } else if all > 1 {
            format!("{name} took {time}, with nothing to compare it with.")
        } else {
            format!("{name} took {time}, the only one there was.")
        };
    };
    let other = names.cell(next);
    let over = if tied {
        "the next that is told apart"
    } else {
        "the next"
    };
    match view::bounds(&lead) {
        // The medians and the rounds disagree, as they can where the machine drifts.
        Some((low, high)) if high < 1.0 => format!(
            "{name} has the lowest median, {time}, but {other} took {} times as long in the same \
             rounds [{} to {}]: which one wins is open.",
            clear_ratio(lead.median),
            clear_ratio(low),
            clear_ratio(high)
        ),
        Some((low, high)) => format!(
            "{name} won in {time}; {over}, {other}, took {} times as long [{} to {}].",
            clear_ratio(lead.median),
            clear_ratio(low),
            clear_ratio(high)
        ),
        None => {
            let over = "the next";
            let margin = ratio(lead.median);
            let fewest = counted(next).len().min(counted(best).len());
            format!(
                "{name} came first in {time}; {over}, {other}, took {margin} times as long, by {} \
                 only, so how much of that is noise is open.",
                plural(fewest, "sample")
            )
        }
    }
}

/// The name with what it took to run: `threads (200 threads, 1.9 MiB)`.
fn with_cost(cell: &Cell, names: &Names) -> String {
    let mut cost = Vec::new();
    if cell.model == WATCHED.0 {
        cost.push(WATCHED.1.to_owned());
    }
    if let Some(threads) = cell.threads_peak {
        let noun = if threads == 1 { "thread" } else { "threads" };
        cost.push(format!("{} {noun}", count(threads as f64)));
    }
    if let Some(memory) = cell.rss_peak_bytes {
        cost.push(bytes(memory));
    }
    let name = names.cell(cell);
    if cost.is_empty() {
        name
    } else {
        format!("{name} ({})", cost.join(", "))
    }
}

/// Whether one thread does; nothing where it is all there is.
fn baseline(
    results: &Results,
    workload: &Workload,
    best: &Cell,
    others: &[&Cell],
    cells: &[&Cell],
) -> Option<String> {
    let found = cells
        .iter()
        .find(|cell| view::is_baseline(&cell.model, &cell.variant));
    let measured = found.filter(|cell| view::measured(cell));
    let Some((sequential, slower)) = measured.and_then(|cell| Some((cell, cell.ratio_to_best?)))
    else {
        return Some(
            skipped_baseline(results, workload, best).unwrap_or_else(|| {
                "Without a figure for sequential, whether concurrency pays is open.".to_owned()
            }),
        );
    };
    if std::ptr::eq(*sequential, best) {
        return (!others.is_empty()).then(|| "One thread is enough.".to_owned());
    }
    Some(good_enough(
        slower,
        counted(sequential).len().min(counted(best).len()),
    ))
}

/// The factor that follows from the arithmetic of a skipped baseline, if it exceeds the margin.
fn skipped_baseline(results: &Results, workload: &Workload, best: &Cell) -> Option<String> {
    let mut skipped = view::skipped(results, workload).into_iter();
    let sequential = skipped.find(|it| view::is_baseline(&it.model, &it.variant))?;
    let least = sequential.at_least_ns? as f64;
    // The upper bound if there is one, since the best may have been lucky.
    let judged = best.judged()?;
    let times = least / judged.high.unwrap_or(judged.median);
    (times > GOOD_ENOUGH).then(|| {
        format!(
            "Sequential is slower by a factor of at least {}: it would take {} or more.",
            ratio(times),
            duration(least)
        )
    })
}

/// Good enough is what the whole interval says, not what the median says: a wide interval leaves it open.
fn good_enough(slower: Interval, fewest: usize) -> String {
    let Some((low, high)) = view::bounds(&slower) else {
        return format!(
            "Sequential took {} times as long, by {} only.",
            ratio(slower.median),
            plural(fewest, "sample")
        );
    };
    if high <= GOOD_ENOUGH {
        let percent = ((high - 1.0) * 100.0).max(0.0);
        format!("Sequential is good enough: it took at most {percent:.1} % longer.")
    } else if low > GOOD_ENOUGH {
        format!(
            "Sequential took {} times as long: not good enough.",
            ratio(slower.median)
        )
    } else {
        format!(
            "Whether sequential is good enough is open: it took {} to {} times as long.",
            clear_ratio(low),
            clear_ratio(high)
        )
    }
}
