//! One line for a workload, printed while the comparison goes on.

use super::models;
use super::number::{at_least, bytes, count, duration, plural, ratio};
use super::page::{self, Style, paint};
use super::race::{Race, Standing};
use super::text::clipped;
use super::view::{self, Names};
use crate::results::{Results, Verdict};
use crate::stats::BASELINE;
use crate::text::{cut, width};

/// The names of the project's own workloads fit.
const TITLE_COLUMNS: usize = 10;

/// The winner and what it costs, the factor of `sequential`, and who else is as fast, in one line
/// that fits on the page; empty if there is no such workload.
pub fn line(results: &Results, workload_index: usize) -> String {
    let Some(workload) = results.workloads.get(workload_index) else {
        return String::new();
    };
    let race = Race::of(results, workload);
    let title = cut(&view::title(results, workload, " "), 2 * TITLE_COLUMNS);
    let pad = " ".repeat(TITLE_COLUMNS.saturating_sub(width(&title)));
    let mut line = format!("{title}{pad} ");
    let Some(winner) = race.winner() else {
        let all = race.failed.len() + view::skipped(results, workload).len();
        line.push_str(&format!("none of {} gave a figure", plural(all, "cell")));
        return clipped(&line);
    };
    let names = Names::of(results, workload);
    let name = cut(&names.cell(winner.cell), 2 * TITLE_COLUMNS);
    line.push_str(&name);
    line.push_str(&cost(winner));
    let mut rest = Vec::new();
    rest.extend(baseline(&race));
    if !race.failed.is_empty() {
        rest.push(plural(race.failed.len(), "ERROR"));
    }
    let open = race.with(Verdict::Open).len();
    if open > 0 || winner.verdict == Verdict::Open {
        rest.push(format!("{open} open"));
    }
    for part in rest {
        line.push_str(&format!("; {part}"));
    }
    let equals = race.with(Verdict::Fast);
    let room = page::columns().saturating_sub(width(&line));
    line.push_str(&as_fast(&equals, room));
    let style = match winner.verdict {
        Verdict::Open => Style::Open,
        _ => Style::Best,
    };
    let head = format!("{title}{pad} ");
    let line = clipped(&line);
    match line.strip_prefix(&format!("{head}{name}")) {
        Some(rest) => format!("{head}{}{rest}", paint(style, &name)),
        None => line,
    }
}

fn cost(winner: &Standing<'_>) -> String {
    let mut costs = Vec::new();
    costs.extend(winner.cell.threads_peak.map(|threads| {
        let noun = if threads == 1 { "thread" } else { "threads" };
        format!("{} {noun}", count(threads as f64))
    }));
    costs.extend(winner.cell.rss_peak_bytes.map(bytes));
    let time = winner.cell.judged().map(|judged| duration(judged.median));
    let time = time.unwrap_or_else(|| "-".to_owned());
    match costs.is_empty() {
        true => format!(" {time}"),
        false => format!(" {time} ({})", costs.join(", ")),
    }
}

/// The factor of `sequential`, with the marks of the tables.
fn baseline(race: &Race<'_>) -> Option<String> {
    let row = race.row(BASELINE, "")?;
    if race.is_winner(row) {
        return None;
    }
    let taken = row.ratio?;
    Some(match (row.verdict, taken.low) {
        (Verdict::SlowerByOneSample, Some(low)) => format!("seq >{}×", at_least(low)),
        (Verdict::Open, _) => format!("seq {}×?", ratio(taken.median)),
        _ => format!("seq {}×", ratio(taken.median)),
    })
}

/// `; = pool queue +2`: as many names as fit, and how many more there are; `; 3 equal` if none
/// fits.
fn as_fast(equals: &[&Standing<'_>], room: usize) -> String {
    let short = |row: &&Standing<'_>| {
        let model = row.cell.model.as_str();
        let name = models::short(model).map_or_else(|| crate::text::name(model), str::to_owned);
        match row.cell.variant.is_empty() {
            true => name,
            false => format!("{name}/{}", crate::text::name(&row.cell.variant)),
        }
    };
    for shown in (1..=equals.len()).rev() {
        let mut words: Vec<String> = equals[..shown].iter().map(short).collect();
        if shown < equals.len() {
            words.push(format!("+{}", equals.len() - shown));
        }
        let text = format!("; = {}", words.join(" "));
        if width(&text) <= room {
            return text;
        }
    }
    match equals.len() {
        0 => String::new(),
        n => format!("; {n} equal"),
    }
}
