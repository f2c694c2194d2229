//! The verdict on a table, in sentences made from its figures.

use workload_stats::Interval;

use super::models;
use super::number::{at_least, bytes, clear_ratio, count, duration, percent, plural, ratio};
use super::race::{Race, Standing};
use super::text::list;
use super::view::{self, Names};
use crate::results::{JudgedBy, Price, Results, Verdict, Workload};
use crate::stats::counted;

/// The winner, who is as fast, its lead, its cost, what is open, and whether one thread would do.
pub(crate) fn verdict(results: &Results, workload: &Workload, race: &Race<'_>) -> String {
    let title = view::title_in_words(results, workload);
    format!("{title}: {}", sentences(results, workload, race).join(" "))
}

/// The same in sentences, without the title; the first names the winner.
pub(crate) fn sentences(results: &Results, workload: &Workload, race: &Race<'_>) -> Vec<String> {
    let told = Told {
        results,
        workload,
        race,
        names: Names::of(results, workload),
    };
    let all = race.rows.len() + race.failed.len() + view::skipped(results, workload).len();
    let Some(winner) = race.winner() else {
        return vec![format!("none of {} gave a figure.", plural(all, "cell"))];
    };
    let mut sentences = vec![told.first(winner, all)];
    sentences.extend(told.equals());
    sentences.extend(told.next());
    sentences.extend(told.open());
    sentences.extend(told.beside());
    sentences.extend(told.by_lives());
    sentences.extend(told.baseline(winner));
    let measured = race.rows.len();
    if measured < all {
        let verb = if measured == 1 { "has" } else { "have" };
        sentences.push(format!("Only {measured} of {all} cells {verb} figures."));
    }
    sentences
}

/// The facts that the sentences are made from.
struct Told<'a> {
    results: &'a Results,
    workload: &'a Workload,
    race: &'a Race<'a>,
    names: Names<'a>,
}

impl Told<'_> {
    fn margin(&self) -> f64 {
        self.results.settings.margin()
    }

    /// The winner. It has won where all others are shown to be slower, and is ahead where some are
    /// open.
    fn first(&self, winner: &Standing<'_>, all: usize) -> String {
        let name = self.with_cost(winner);
        let time = winner.cell.judged().map(|judged| duration(judged.median));
        let time = time.unwrap_or_default();
        let time = match winner.cell.response_ns {
            Some(_) => format!("{time} for 99 of 100 requests"),
            None => time,
        };
        let others = self.race.others();
        if others.is_empty() {
            return if all > 1 {
                format!("{name} took {time}, with nothing to compare it with.")
            } else {
                format!("{name} took {time}, the only one there was.")
            };
        }
        if winner.verdict == Verdict::Open {
            return format!(
                "{name} is ahead so far with {time}, by {} only.",
                plural(counted(winner.cell).len(), "sample")
            );
        }
        if !self.race.with(Verdict::Open).is_empty() {
            return format!("{name} is ahead so far with {time}.");
        }
        let all_slower = self.race.with(Verdict::Fast).is_empty()
            && self.race.with(Verdict::FastWithin10).is_empty();
        format!(
            "{name} {} in {time}.",
            if all_slower { "won" } else { "came first" }
        )
    }

    /// The cells that are shown to be as fast as the winner.
    fn equals(&self) -> Vec<String> {
        let within = [
            (Verdict::Fast, self.margin()),
            (Verdict::FastWithin10, 2.0 * self.margin()),
        ];
        let sentence = |(verdict, margin): (Verdict, f64)| {
            let rows = self.race.with(verdict);
            let rows: Vec<String> = rows.into_iter().map(|row| self.with_cost(row)).collect();
            (!rows.is_empty())
                .then(|| format!("As fast, within {}: {}.", percent(margin), list(&rows)))
        };
        within.into_iter().filter_map(sentence).collect()
    }

    /// The first that is slower.
    fn next(&self) -> Option<String> {
        let others = self.race.others();
        let is_slower = |verdict| matches!(verdict, Verdict::Slower | Verdict::SlowerByOneSample);
        let next = others.iter().find(|row| is_slower(row.verdict))?;
        let over = if std::ptr::eq(*next, others[0]) {
            "The next"
        } else {
            "The next that is slower"
        };
        let name = self.names.cell(next.cell);
        Some(format!("{over}, {name}, took {}.", times_as_long(next)?))
    }

    /// The undecided cells, and the time that deciding them takes.
    fn open(&self) -> Option<String> {
        let rows = self.race.with(Verdict::Open);
        let told = |row: &&Standing<'_>| {
            let price = row
                .price
                .map_or_else(|| "too close to the margin for a price".to_owned(), price);
            format!("{} ({price})", self.names.cell(row.cell))
        };
        if rows.is_empty() {
            return None;
        }
        // A price each is too much to read where little was sampled.
        if rows.len() <= 4 {
            let rows: Vec<String> = rows.iter().map(told).collect();
            return Some(format!("Open: {}.", list(&rows)));
        }
        let names = if rows.len() == self.race.others().len() {
            "all others".to_owned()
        } else {
            let names = rows.iter().map(|row| self.names.cell(row.cell));
            list(&names.collect::<Vec<String>>())
        };
        let prices: Vec<Price> = rows.iter().filter_map(|row| row.price).collect();
        let total = match prices.is_empty() {
            true => String::new(),
            false => format!(" (in all about {})", duration(total_ns(&prices))),
        };
        Some(format!("Open: {names}{total}."))
    }

    /// Models that are no rivals here and yet would have been among the first.
    fn beside(&self) -> Option<String> {
        let ahead = |row: &&Standing<'_>| {
            let faster = row.ratio.is_some_and(|ratio| ratio.median <= 1.0);
            faster || matches!(row.verdict, Verdict::Best | Verdict::Fast)
        };
        let rows = self.race.beside().into_iter().filter(ahead);
        let rows: Vec<String> = rows
            .map(|row| match row.ratio {
                Some(taken) => format!("{} at {}", self.with_cost(row), ratio(taken.median)),
                None => self.with_cost(row),
            })
            .collect();
        (!rows.is_empty()).then(|| format!("Beside it, no rival in this work: {}.", list(&rows)))
    }

    /// Whose bounds come from lives.
    fn by_lives(&self) -> Option<String> {
        let others = self.race.others().into_iter();
        let rows = others.filter(|row| row.by == Some(JudgedBy::Lives));
        let names: Vec<String> = rows.map(|row| self.names.cell(row.cell)).collect();
        (!names.is_empty()).then(|| {
            format!(
                "Judged by the medians of their processes' lives, which differ more than rounds: {}.",
                list(&names)
            )
        })
    }

    /// The name with what it took to run: `threads (200 threads, 1.9 MiB)`.
    fn with_cost(&self, row: &Standing<'_>) -> String {
        let mut cost: Vec<String> = Vec::new();
        cost.extend(models::described(&row.cell.model).map(str::to_owned));
        if let Some(threads) = row.cell.threads_peak {
            let noun = if threads == 1 { "thread" } else { "threads" };
            cost.push(format!("{} {noun}", count(threads as f64)));
        }
        cost.extend(row.cell.rss_peak_bytes.map(bytes));
        let name = self.names.cell(row.cell);
        if cost.is_empty() {
            name
        } else {
            format!("{name} ({})", cost.join(", "))
        }
    }

    /// Whether one thread does; nothing where it is all there is.
    fn baseline(&self, winner: &Standing<'_>) -> Option<String> {
        let Some(sequential) = self.race.row(crate::stats::BASELINE, "") else {
            return Some(self.skipped_baseline(winner).unwrap_or_else(|| {
                "Without a figure for sequential, whether concurrency pays is open.".to_owned()
            }));
        };
        if self.race.is_winner(sequential) {
            if self.race.others().is_empty() {
                return None;
            }
            let open = winner.verdict == Verdict::Open || !self.race.with(Verdict::Open).is_empty();
            return Some(match open {
                true => "Whether one thread is enough is open.".to_owned(),
                false => "One thread is enough.".to_owned(),
            });
        }
        let margin = self.margin();
        let good_enough = |within: f64| {
            format!(
                "Sequential is good enough: as fast, within {}.",
                percent(within)
            )
        };
        Some(match sequential.verdict {
            Verdict::Best | Verdict::Fast => good_enough(margin),
            Verdict::FastWithin10 => good_enough(2.0 * margin),
            Verdict::Slower => {
                let taken = times_as_long(sequential)?;
                let ratio = sequential.ratio?;
                let enough = match view::bounds(&ratio) {
                    Some((_, high)) if high <= 1.0 + 2.0 * margin => {
                        format!(": good enough, if {} do not matter", percent(2.0 * margin))
                    }
                    Some((low, _)) if low > 1.0 + 2.0 * margin => ": not good enough".to_owned(),
                    _ => String::new(),
                };
                format!("Sequential took {taken}{enough}.")
            }
            Verdict::SlowerByOneSample => {
                let taken = times_as_long(sequential)?;
                let least = sequential.ratio.and_then(|ratio| ratio.low);
                let is_far = least.is_some_and(|low| low > 1.0 + 2.0 * margin);
                let enough = if is_far { ": not good enough" } else { "" };
                format!("Sequential took {taken}{enough}.")
            }
            Verdict::Open => "Whether sequential is good enough is open.".to_owned(),
        })
    }

    /// The factor that follows from the arithmetic of a skipped baseline, if it exceeds the margin.
    fn skipped_baseline(&self, winner: &Standing<'_>) -> Option<String> {
        let mut skipped = view::skipped(self.results, self.workload).into_iter();
        let sequential = skipped.find(|it| view::is_baseline(&it.model, &it.variant))?;
        let least = sequential.at_least_ns? as f64;
        // The upper bound if there is one, since the best may have been lucky.
        let judged = winner.cell.judged()?;
        let times = least / judged.high.unwrap_or(judged.median);
        (times > 1.0 + 2.0 * self.margin()).then(|| {
            format!(
                "Sequential is slower by a factor of at least {}: it would take {} or more.",
                at_least(times),
                duration(least)
            )
        })
    }
}

/// `1.35 times as long [1.30 to 1.41]`, or `at least 4.1 times as long`; `None` without a ratio.
fn times_as_long(row: &Standing<'_>) -> Option<String> {
    let taken: Interval = row.ratio?;
    Some(match (taken.low, taken.high) {
        (Some(low), Some(high)) => format!(
            "{} times as long [{} to {}]",
            clear_ratio(taken.median),
            clear_ratio(low),
            clear_ratio(high)
        ),
        (Some(low), None) => format!("at least {} times as long", at_least(low)),
        _ => return None,
    })
}

/// `about 40 more rounds, 3.20 s`.
fn price(price: Price) -> String {
    let noun = if price.rounds == 1 { "round" } else { "rounds" };
    // Two digits are all that the width of an interval can tell.
    let size = 10_f64
        .powf(f64::from(price.rounds.max(1)).log10().floor() - 1.0)
        .max(1.0);
    let rounds = count((f64::from(price.rounds) / size).round() * size);
    format!("about {rounds} more {noun}, {}", duration(price.ns as f64))
}

/// The time that all of them take.
pub(crate) fn total_ns(prices: &[Price]) -> f64 {
    prices.iter().map(|price| price.ns as f64).sum()
}
