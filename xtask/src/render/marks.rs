//! How a verdict looks in a table, and the legend of the marks that occur.

use super::number::{at_least, clear_ratio, percent, ratio, short_ratio};
use super::race::{Race, Standing};
use super::text::wrap;
use super::view;
use crate::results::{Results, Verdict};

/// As fast as the best, within the margin.
const FAST: &str = "=";

/// As fast within twice the margin only.
const NEARLY: &str = "≈";

/// Not decided.
const OPEN: &str = "?";

/// `best`, `1.02=`, `1.07≈`, `1.35`, `>4.1` for a lower bound, `1.04?` while it is open.
pub(crate) fn to_best(row: &Standing<'_>, wins: bool) -> String {
    if wins {
        return best(row);
    }
    let Some(to_best) = row.ratio else {
        return "-".to_owned();
    };
    match (row.verdict, to_best.low) {
        (Verdict::Best, _) => ratio(to_best.median),
        (Verdict::Fast, _) => format!("{}{FAST}", ratio(to_best.median)),
        (Verdict::FastWithin10, _) => format!("{}{NEARLY}", ratio(to_best.median)),
        (Verdict::Slower, _) => clear_ratio(to_best.median),
        (Verdict::SlowerByOneSample, Some(low)) => format!(">{}", at_least(low)),
        _ => format!("{}{OPEN}", ratio(to_best.median)),
    }
}

/// The same in four columns as a rule, for the matrix.
pub(crate) fn briefly(row: &Standing<'_>, wins: bool) -> String {
    if wins && row.verdict != Verdict::Open {
        return best(row);
    }
    let Some(to_best) = row.ratio else {
        return "-".to_owned();
    };
    match (row.verdict, to_best.low) {
        (Verdict::Fast, _) => FAST.to_owned(),
        (Verdict::FastWithin10, _) => NEARLY.to_owned(),
        (Verdict::SlowerByOneSample, Some(low)) if low < 1.1 => ">1".to_owned(),
        (Verdict::SlowerByOneSample, Some(low)) => format!(">{}", at_least(low)),
        (Verdict::Best | Verdict::Slower, _) => short_ratio(to_best.median, 2),
        _ => format!("{}{OPEN}", short_ratio(to_best.median, 1)),
    }
}

/// One sample does not show that it is the best.
fn best(row: &Standing<'_>) -> String {
    match row.verdict {
        Verdict::Open => format!("best{OPEN}"),
        _ => "best".to_owned(),
    }
}

/// Speed-up over the baseline: `1.99`, `>3.9` for a lower bound, `45.7?` without bounds.
pub(crate) fn speed_up(row: &Standing<'_>) -> String {
    let Some(speedup) = row.cell.speedup else {
        return "-".to_owned();
    };
    match (speedup.low, speedup.high) {
        (Some(_), Some(_)) => ratio(speedup.median),
        (Some(low), None) => format!(">{}", at_least(low)),
        _ if view::is_baseline(&row.cell.model, &row.cell.variant) => ratio(speedup.median),
        _ => format!("{}{OPEN}", ratio(speedup.median)),
    }
}

/// A mark, and what it means in a legend and in a few words.
pub(crate) struct Meaning {
    pub(crate) mark: &'static str,
    pub(crate) long: String,
    pub(crate) brief: String,
}

/// Each mark that occurs in these races.
pub(crate) fn meanings(results: &Results, races: &[Race<'_>]) -> Vec<Meaning> {
    let margin = results.settings.margin();
    let occurs = |verdict: Verdict, mark: &str| {
        let mut rows = races.iter().flat_map(|race| &race.rows);
        rows.any(|row| row.verdict == verdict || speed_up(row).contains(mark))
    };
    let fast = format!("as fast as the best, within {}", percent(margin));
    let nearly = percent(2.0 * margin);
    let all = [
        (Verdict::Fast, FAST, fast.clone(), fast),
        (
            Verdict::FastWithin10,
            NEARLY,
            format!("as fast within {nearly} only"),
            format!("within {nearly}"),
        ),
        (
            Verdict::SlowerByOneSample,
            ">",
            "at least so much slower, by one sample that is far off".to_owned(),
            "at least, by one sample".to_owned(),
        ),
        (
            Verdict::Open,
            OPEN,
            "open: more samples are needed to tell".to_owned(),
            "open".to_owned(),
        ),
    ];
    let occurring = all
        .into_iter()
        .filter(|(verdict, mark, ..)| occurs(*verdict, mark));
    let meaning = |(_, mark, long, brief)| Meaning { mark, long, brief };
    occurring.map(meaning).collect()
}

/// The columns of the tables of these results, and the marks that occur in them.
pub fn legend(results: &Results) -> String {
    let races = Race::all(results);
    let line = |head: &str, meaning: &str| wrap(&format!("{head:10}"), meaning);
    let mut out = String::new();
    let served = |is: bool| {
        let mut tables = results.workloads.iter();
        tables.any(|table| table.rate.is_some() == is)
    };
    if served(false) {
        out += &line(
            "time",
            "median of the samples, then the 95 % confidence interval of that median",
        );
    }
    if served(true) {
        out += &line(
            "p99",
            "of the pattern serve: within this time 99 of 100 requests were answered, counted \
             from when they were due; the interval and `to best` are of it",
        );
    }
    if served(true) || served(false) {
        out += &line(
            "to best",
            "time divided by the best one's of the same round",
        );
    }
    for meaning in meanings(results, &races) {
        out += &line(meaning.mark, &meaning.long);
    }
    if served(false) {
        out += &line(
            "speed up",
            "time of sequential divided by this one's, of the same round",
        );
    }
    if served(true) || served(false) {
        out += &line("CPU time", "of the whole tree of processes, median");
        out += &line(
            "peak",
            "of one untimed sample, less what was there after loading",
        );
    }
    if served(false) {
        out += &line("switch.", "voluntary and involuntary, median");
    }
    out
}
