//! All samples of a cell on the axis of its table.

use std::collections::BTreeMap;

use super::axis::{LogAxis, WIDTH, label};
use super::html::{Html, Path};
use crate::render::number::{bounds, duration, plural};
use crate::render::view;
use crate::results::{Cell, Sample};

/// The most marks of one cell.
pub(super) const MOST_MARKS: usize = 200;

/// Lives beyond this many share the rows of others.
const MOST_ROWS: usize = 6;

/// The marks that are shared out by the numbers of samples: each row, and the warm-ups, may have
/// one more.
const SHARED_MARKS: usize = MOST_MARKS - MOST_ROWS - 1;

/// The height of the samples, and of those of an earlier comparison below them.
const HEIGHT: f64 = 22.0;
const EARLIER: f64 = 9.0;

/// The width of a hollow mark in the units of the axis.
const HOLLOW: f64 = 9.0;

/// Each sample as a mark: a row for each life of the process, those of an earlier comparison hollow
/// below. Behind them the interval and the median.
pub(super) fn strip(
    html: &mut Html,
    axis: &LogAxis,
    ticks: &[f64],
    name: &str,
    cell: &Cell,
    earlier: Option<&Cell>,
) {
    let height = HEIGHT + if earlier.is_some() { EARLIER } else { 0.0 };
    html.markup("<svg role=\"img\" preserveAspectRatio=\"none\" height=\"");
    html.number(height).markup("\" viewBox=\"0 0 1000 ");
    html.number(height).markup("\"><title>");
    html.text(&title(name, cell, earlier)).markup("</title>");
    let mut grid = Path::default();
    for tick in ticks {
        grid.to(axis.place(*tick), 0.0).down(height);
    }
    draw(html, "<path class=\"grid\" d=\"", &grid);
    if let Some(judged) = cell.judged() {
        interval(html, axis, (judged.low, judged.high));
        let mut median = Path::default();
        median.to(axis.place(judged.median), 1.0).down(HEIGHT - 2.0);
        draw(html, "<path class=\"med\" d=\"", &median);
    }
    for marks in samples(axis, cell) {
        draw(html, "<path class=\"s\" d=\"", &marks);
    }
    draw(html, "<path class=\"w\" d=\"", &warm_ups(axis, cell));
    if let Some(earlier) = earlier {
        draw(html, "<path class=\"e\" d=\"", &hollow(axis, earlier));
    }
    html.markup("</svg>");
}

/// The labels of the axis, and its name for readers of the screen.
pub(super) fn scale(html: &mut Html, axis: &LogAxis, ticks: &[f64]) {
    html.markup("<svg class=\"axis\" aria-hidden=\"true\" height=\"14\">");
    for (place, tick) in ticks.iter().enumerate() {
        // A narrow screen has no room for all of them.
        html.markup(match place % 2 {
            0 => "<text y=\"11\" x=\"",
            _ => "<text class=\"wide\" y=\"11\" x=\"",
        });
        html.number(axis.place(*tick) / WIDTH * 100.0);
        html.element("%\">", &label(*tick), "</text>");
    }
    html.markup("</svg>");
}

/// The times of all samples and the ends of the interval: the axis has to have room for them.
pub(super) fn times(cell: &Cell) -> impl Iterator<Item = f64> {
    let judged = cell.judged();
    let ends = judged.into_iter().flat_map(|judged| {
        let ends = [Some(judged.median), judged.low, judged.high];
        ends.into_iter().flatten()
    });
    let served = cell.response_ns.is_some();
    cell.samples
        .iter()
        .map(move |sample| sample.judged_ns(served))
        .chain(ends)
}

/// How many samples are drawn of how many; `None` if all are.
pub(super) fn thinned(cell: &Cell) -> Option<(usize, usize)> {
    let all = cell.samples.len();
    (all > MOST_MARKS).then(|| {
        let (sure, warm_ups) = (of_lives(cell), of_warm_ups(cell));
        let drawn: usize = sure.values().map(Vec::len).sum();
        (drawn + warm_ups.len(), all)
    })
}

/// The same for the samples of an earlier comparison.
pub(super) fn thinned_earlier(cell: &Cell) -> Option<(usize, usize)> {
    let all = cell.samples.len();
    (all > MOST_MARKS).then_some((MOST_MARKS, all))
}

fn title(name: &str, cell: &Cell, earlier: Option<&Cell>) -> String {
    let mut title = format!("{name}: {}", plural(cell.samples.len(), "sample"));
    if let Some((drawn, _)) = thinned(cell) {
        title += &format!(", {drawn} of them drawn");
    }
    if let Some(judged) = cell.judged() {
        title += &format!(", median {}", duration(judged.median));
        if let Some((low, high)) = view::bounds(&judged) {
            title += &format!(", interval {}", bounds(judged.median, low, high));
        }
    }
    if let Some(then) = earlier.and_then(Cell::judged) {
        title += &format!("; earlier {}", duration(then.median));
    }
    title
}

/// Adds a path with this data, unless it is empty.
pub(super) fn draw(html: &mut Html, open: &'static str, path: &Path) {
    if !path.is_empty() {
        html.markup(open).path(path).markup("\"/>");
    }
}

fn interval(html: &mut Html, axis: &LogAxis, ends: (Option<f64>, Option<f64>)) {
    if let (Some(low), Some(high)) = ends {
        let (low, high) = (axis.place(low), axis.place(high));
        html.markup("<rect class=\"ci\" y=\"1\" height=\"");
        html.number(HEIGHT - 2.0).markup("\" x=\"").number(low);
        html.markup("\" width=\"");
        html.number((high - low).max(1.0)).markup("\"/>");
    }
}

/// A path for each life, or for those that share a row.
fn samples(axis: &LogAxis, cell: &Cell) -> Vec<Path> {
    let lives = of_lives(cell);
    let rows = Rows(lives.len());
    let marks = lives.into_iter().map(|(row, times)| {
        let mut path = Path::default();
        for ns in times {
            rows.mark(&mut path, axis.place(ns), row);
        }
        path
    });
    marks.collect()
}

fn warm_ups(axis: &LogAxis, cell: &Cell) -> Path {
    let rows = Rows(of_lives(cell).len());
    let mut path = Path::default();
    for (row, ns) in of_warm_ups(cell) {
        rows.mark(&mut path, axis.place(ns), row);
    }
    path
}

/// Places of marks, a row for each life.
struct Rows(usize);

impl Rows {
    fn mark(&self, path: &mut Path, x: f64, row: usize) {
        let rows = self.0.max(1);
        let each = (HEIGHT - 2.0) / rows as f64;
        let top = 1.0 + each * (row % rows) as f64;
        path.to(x, top + 0.5).down(each - 1.0);
    }
}

/// The times of each row, thinned by rank to its share of the marks.
fn of_lives(cell: &Cell) -> BTreeMap<usize, Vec<f64>> {
    let served = cell.response_ns.is_some();
    let mut rows: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for sample in cell.samples.iter().filter(|sample| !sample.warm_up) {
        let ns = sample.judged_ns(served);
        rows.entry(row_of(sample)).or_default().push(ns);
    }
    let all = cell.samples.len();
    for times in rows.values_mut() {
        let share = share(times.len(), all);
        *times = by_rank(std::mem::take(times), share);
    }
    rows
}

/// The first samples of lives, thinned alike.
fn of_warm_ups(cell: &Cell) -> Vec<(usize, f64)> {
    let served = cell.response_ns.is_some();
    let first = cell.samples.iter().filter(|sample| sample.warm_up);
    let first: Vec<(usize, f64)> = first
        .map(|sample| (row_of(sample), sample.judged_ns(served)))
        .collect();
    let share = share(first.len(), cell.samples.len());
    evenly(first.len(), share).map(|at| first[at]).collect()
}

/// The marks for this part of all samples: at least one.
fn share(part: usize, all: usize) -> usize {
    match all > MOST_MARKS {
        true => (SHARED_MARKS * part / all).max(1),
        false => part,
    }
}

fn row_of(sample: &Sample) -> usize {
    sample.life as usize % MOST_ROWS
}

/// At most this many of the times, from the least to the greatest at even ranks.
fn by_rank(mut times: Vec<f64>, most: usize) -> Vec<f64> {
    times.sort_by(f64::total_cmp);
    evenly(times.len(), most).map(|at| times[at]).collect()
}

fn evenly(all: usize, most: usize) -> impl Iterator<Item = usize> {
    let count = all.min(most);
    (0..count).map(move |at| match count {
        1 => all / 2,
        _ => at * (all - 1) / (count - 1),
    })
}

/// The samples of an earlier comparison, as boxes.
fn hollow(axis: &LogAxis, earlier: &Cell) -> Path {
    let served = earlier.response_ns.is_some();
    let times = earlier.samples.iter();
    let times = times.map(|sample| sample.judged_ns(served)).collect();
    let mut path = Path::default();
    for ns in by_rank(times, MOST_MARKS) {
        let left = axis.place(ns) - HOLLOW / 2.0;
        path.to(left, HEIGHT + 1.5);
        path.across(HOLLOW).down(EARLIER - 3.0);
        path.across(-HOLLOW).close();
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(samples: usize, lives: u32) -> Cell {
        let sample = |at: usize| Sample {
            wall_ns: 1_000_000 + (at as u64 * 7_919) % 100_000,
            life: at as u32 % lives,
            warm_up: at < lives as usize,
            ..Sample::default()
        };
        Cell {
            samples: (0..samples).map(sample).collect(),
            ..Cell::default()
        }
    }

    fn drawn(cell: &Cell) -> String {
        let axis = LogAxis::around(times(cell)).expect("times");
        let mut html = Html::default();
        strip(&mut html, &axis, &[], "threads", cell, None);
        html.finish()
    }

    #[test]
    fn every_sample_is_a_mark_in_a_path_of_its_life() {
        for (samples, lives) in [(1, 1), (9, 3), (200, 4)] {
            let page = drawn(&cell(samples, lives));
            assert_eq!(page.matches('M').count(), samples, "{page}");
            let paths = page.matches("class=\"s\"").count() as u32;
            assert!(paths <= lives, "{paths}");
        }
    }

    #[test]
    fn many_samples_are_thinned_and_counted() {
        let cell = cell(100_000, 500);
        let page = drawn(&cell);
        let marks = page.matches('M').count();
        assert!((150..=MOST_MARKS).contains(&marks), "{marks}");
        assert_eq!(thinned(&cell), Some((marks, 100_000)));
        assert!(page.contains(&format!("100000 samples, {marks} of them drawn")));
    }

    #[test]
    fn small_rows_add_no_marks_beyond_the_limit() {
        let mut cell = cell(10_000, 1);
        for life in 1..MOST_ROWS {
            cell.samples[life * 100].life = life as u32;
        }
        let marks = drawn(&cell).matches('M').count();
        assert!((150..=MOST_MARKS).contains(&marks), "{marks}");
        assert_eq!(thinned(&cell), Some((marks, 10_000)));
    }

    #[test]
    fn thinned_earlier_samples_are_counted() {
        let earlier = cell(1_000, 2);
        let axis = LogAxis::around(times(&earlier)).expect("times");
        let mut html = Html::default();
        draw(
            &mut html,
            "<path class=\"e\" d=\"",
            &hollow(&axis, &earlier),
        );
        let marks = html.finish().matches('M').count();
        assert_eq!(thinned_earlier(&earlier), Some((marks, 1_000)));
        assert_eq!(thinned_earlier(&cell(MOST_MARKS, 2)), None);
    }

    #[test]
    fn thinning_keeps_the_least_and_the_greatest() {
        let times = (0..1_000).rev().map(f64::from).collect();
        let thin = by_rank(times, 5);
        assert_eq!(thin, [0.0, 249.0, 499.0, 749.0, 999.0]);
        assert_eq!(by_rank(vec![2.0, 1.0], 5), [1.0, 2.0]);
        assert_eq!(by_rank(Vec::new(), 5), [0.0; 0]);
    }
}
