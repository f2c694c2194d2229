//! When the tasks of an untimed sample ran, and on which threads.

use super::axis::WIDTH;
use super::html::{Html, Path};
use super::strip::draw;
use super::workload::Section;
use crate::render::number::{duration, plural};
use crate::render::race::Standing;
use crate::results::{Lane, Results, Timeline};

/// Half a pixel in the units of a figure on a page of usual width.
const HALF_PIXEL: f64 = 1.5;

/// The length of a span in the data of a path, and of all else that a figure takes.
const SPAN_BYTES: usize = 11;
const FIGURE_BYTES: usize = 450;

/// Fewer spans than this show nothing, however many cells there are.
const LEAST_SPANS: usize = 16;

/// Between the bands of threads, and between those of processes.
const THREAD_GAP: f64 = 2.0;
const PROCESS_GAP: f64 = 6.0;

/// The most spans that each timeline may have, so that all of them fit into this many bytes.
pub(super) fn share(results: &Results, bytes: usize) -> usize {
    let timelines = results.cells.iter();
    let timelines = timelines.filter_map(|cell| cell.timeline.as_ref());
    let mut spans: Vec<usize> = timelines.map(|it| spans(it, HALF_PIXEL)).collect();
    spans.sort_unstable();
    let mut left = bytes.saturating_sub(spans.len() * FIGURE_BYTES) / SPAN_BYTES;
    let mut share = usize::MAX;
    // The small ones leave room to the large ones.
    for (place, count) in spans.iter().enumerate() {
        share = left / (spans.len() - place);
        if *count > share {
            return share.max(LEAST_SPANS);
        }
        left -= count;
    }
    share.max(LEAST_SPANS)
}

/// The spans that are drawn if gaps below the grain are not.
fn spans(timeline: &Timeline, grain: f64) -> usize {
    let lanes = lanes(timeline).iter();
    lanes
        .map(|lane| merged(lane, timeline.wall_ns, grain).len())
        .sum()
}

/// Gaps below this, in the units of a figure, are not drawn: half a pixel, or more where there are
/// too many spans.
fn grain(timeline: &Timeline, most: usize) -> f64 {
    let mut grain = HALF_PIXEL;
    while grain < WIDTH && spans(timeline, grain) > most {
        grain *= 1.25;
    }
    grain
}

/// Whether any cell has a timeline.
pub(super) fn is_recorded(results: &Results) -> bool {
    let mut cells = results.cells.iter();
    cells.any(|cell| cell.timeline.is_some())
}

/// A figure for each cell of the section that has a timeline.
pub(super) fn write(html: &mut Html, section: &Section<'_>, most: usize) {
    let rows = section.race.rows.iter();
    let (with, without): (Vec<&Standing<'_>>, Vec<&Standing<'_>>) =
        rows.partition(|row| row.cell.timeline.is_some());
    if with.is_empty() {
        return;
    }
    html.markup("<h3>Tasks over threads</h3><p class=\"hint\">A band is a thread, a line in it one task after another. Many bands show parallelism, many lines in a band concurrency on one thread. Each figure has the time scale of its own sample, which was not timed.");
    if !without.is_empty() {
        let names: Vec<String> = without
            .iter()
            .map(|row| section.names.cell(row.cell))
            .collect();
        html.markup(" None was recorded for ")
            .text(&names.join(", "))
            .markup(".");
    }
    html.markup("</p><div class=\"lines\">");
    for row in with {
        if let Some(timeline) = &row.cell.timeline {
            figure(html, &section.names.cell(row.cell), timeline, most);
        }
    }
    html.markup("</div>");
}

fn figure(html: &mut Html, name: &str, timeline: &Timeline, most: usize) {
    let grain = grain(timeline, most);
    let layout = Layout::of(lanes(timeline));
    let said = said(timeline, grain);
    html.markup("<figure><figcaption><b>")
        .name(name)
        .markup("</b> ");
    html.element("<span>", &said, "</span></figcaption>");
    html.markup("<svg role=\"img\" preserveAspectRatio=\"none\" height=\"");
    html.number(layout.height).markup("\" viewBox=\"0 0 1000 ");
    html.number(layout.height).markup("\"><title>");
    html.text(&format!("{name}: {said}")).markup("</title>");
    let mut bands = Path::default();
    for (top, height) in &layout.bands {
        bands.to(0.0, *top).across(WIDTH).down(*height);
        bands.across(-WIDTH).close();
    }
    draw(html, "<path class=\"band\" d=\"", &bands);
    html.markup("<g stroke-width=\"")
        .number(layout.line - 1.0)
        .markup("\">");
    // Processes in turn, so that neighbours are told apart.
    let (mut even, mut odd) = (Path::default(), Path::default());
    for (lane, middle) in lanes(timeline).iter().zip(&layout.middles) {
        let path = if lane.process % 2 == 0 {
            &mut even
        } else {
            &mut odd
        };
        add(path, lane, timeline.wall_ns, *middle, grain);
    }
    draw(html, "<path class=\"t\" d=\"", &even);
    draw(html, "<path class=\"t u\" d=\"", &odd);
    html.markup("</g></svg></figure>");
}

/// A file may have more lanes than a comparison records.
fn lanes(timeline: &Timeline) -> &[Lane] {
    let shown = timeline.lanes.len().min(Timeline::MAX_LANES);
    &timeline.lanes[..shown]
}

/// `400 tasks in 12.3 ms on 2 threads, at most 7 at once`.
fn said(timeline: &Timeline, grain: f64) -> String {
    let lanes = lanes(timeline);
    let tasks = usize::try_from(timeline.tasks).unwrap_or(usize::MAX);
    let mut threads: Vec<(u32, u32)> = lanes.iter().map(|it| (it.process, it.thread)).collect();
    threads.sort_unstable();
    threads.dedup();
    let mut processes: Vec<u32> = threads.iter().map(|thread| thread.0).collect();
    processes.dedup();
    let mut said = format!(
        "{} in {} on {}",
        plural(tasks, "task"),
        duration(timeline.wall_ns as f64),
        plural(threads.len(), "thread"),
    );
    if processes.len() > 1 {
        said += &format!(" of {} processes", processes.len());
    }
    said += &format!(", at most {} at once", at_once(lanes));
    let left_out = timeline.lanes_left_out + (timeline.lanes.len() - lanes.len()) as u64;
    if left_out > 0 {
        said += &format!("; {left_out} more lines are not drawn");
    }
    let below = (timeline.wall_ns as f64 * grain / WIDTH).max(timeline.merged_below_ns as f64);
    if grain > HALF_PIXEL && below > 0.0 {
        said += &format!("; gaps below {} are not drawn", duration(below));
    }
    said
}

/// The most lanes that have a span at the same time.
fn at_once(lanes: &[Lane]) -> usize {
    let spans = lanes.iter().flat_map(|lane| &lane.spans);
    let mut events: Vec<(u64, i64)> = spans
        .filter(|(start, end, _)| start < end)
        .flat_map(|(start, end, _)| [(*start, 1), (*end, -1)])
        .collect();
    // An end comes before a start at the same time.
    events.sort_unstable();
    let mut now = 0_i64;
    let counts = events.iter().map(|(_, by)| {
        now += by;
        now
    });
    let most = counts.max().unwrap_or(0);
    usize::try_from(most)
        .unwrap_or(0)
        .max(usize::from(!lanes.is_empty()))
}

/// The places of lanes, and of the bands of their threads.
struct Layout {
    line: f64,
    middles: Vec<f64>,
    /// Top and height of each.
    bands: Vec<(f64, f64)>,
    height: f64,
}

impl Layout {
    fn of(lanes: &[Lane]) -> Layout {
        let line = match lanes.len() {
            0..=6 => 10.0,
            7..=14 => 7.0,
            15..=28 => 4.5,
            _ => 3.0,
        };
        let gap = if lanes.len() > 28 { 1.0 } else { THREAD_GAP };
        let mut layout = Layout {
            line,
            middles: Vec::new(),
            bands: Vec::new(),
            height: 0.0,
        };
        let mut before: Option<(u32, u32)> = None;
        for lane in lanes {
            let thread = (lane.process, lane.thread);
            if before != Some(thread) {
                layout.height += match before {
                    None => 0.0,
                    Some((process, _)) if process == thread.0 => gap,
                    Some(_) => PROCESS_GAP,
                };
                layout.bands.push((layout.height, 0.0));
                before = Some(thread);
            }
            layout.middles.push(layout.height + line / 2.0);
            layout.height += line;
            if let Some(band) = layout.bands.last_mut() {
                band.1 += line;
            }
        }
        layout.height = layout.height.max(1.0);
        layout
    }
}

/// The spans of a lane in the units of a figure, those merged that are closer than the grain.
fn merged(lane: &Lane, wall_ns: u64, grain: f64) -> Vec<(f64, f64)> {
    let scale = WIDTH / (wall_ns.max(1) as f64);
    let mut merged: Vec<(f64, f64)> = Vec::new();
    for (start, end, _) in &lane.spans {
        let start = (*start as f64 * scale).min(WIDTH);
        let end = (*end as f64 * scale).clamp(start, WIDTH);
        match merged.last_mut() {
            // A short task beside another one is no more than a step in its line.
            Some(last)
                if start - last.1 < grain && (end - start < grain || last.1 - last.0 < grain) =>
            {
                last.1 = last.1.max(end);
            }
            _ => merged.push((start, end)),
        }
    }
    merged
}

/// Adds the spans of a lane, each a little short of its end, so that tasks that follow each other
/// are told apart.
fn add(path: &mut Path, lane: &Lane, wall_ns: u64, middle: f64, grain: f64) {
    for (start, end) in merged(lane, wall_ns, grain) {
        let start = start.round();
        let length = (end.round() - start).max(2.0);
        let gap = if length > 8.0 { 2.0 } else { 0.0 };
        path.to(start, middle).across(length - gap);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(process: u32, thread: u32, spans: &[(u64, u64, u32)]) -> Lane {
        Lane {
            process,
            thread,
            stage: None,
            spans: spans.to_vec(),
        }
    }

    #[test]
    fn tasks_at_once_are_counted_over_all_lanes() {
        let lanes = [
            lane(0, 0, &[(0, 10, 1), (10, 20, 1)]),
            lane(0, 0, &[(5, 15, 1)]),
            lane(0, 1, &[(12, 14, 1)]),
        ];
        assert_eq!(at_once(&lanes), 3);
        assert_eq!(at_once(&lanes[..1]), 1);
        assert_eq!(at_once(&[]), 0);
        assert_eq!(
            at_once(&[lane(0, 0, &[(9, 3, 1)])]),
            1,
            "an end before its start"
        );
    }

    #[test]
    fn lanes_of_a_thread_share_a_band() {
        let lanes = [
            lane(0, 0, &[]),
            lane(0, 0, &[]),
            lane(0, 1, &[]),
            lane(1, 0, &[]),
        ];
        let layout = Layout::of(&lanes);
        assert_eq!(layout.bands, [(0.0, 20.0), (22.0, 10.0), (38.0, 10.0)]);
        assert_eq!(layout.middles, [5.0, 15.0, 27.0, 43.0]);
        assert_eq!(layout.height, 48.0);
    }

    #[test]
    fn simple_timelines_leave_room_to_the_others() {
        let timeline = |count: u64| {
            let spans: Vec<(u64, u64, u32)> =
                (0..count).map(|at| (at * 20, at * 20 + 10, 1)).collect();
            Some(Timeline {
                wall_ns: 1_000,
                lanes: vec![lane(0, 0, &spans)],
                ..Timeline::default()
            })
        };
        let cell = |timeline| crate::results::Cell {
            timeline,
            ..Default::default()
        };
        let results = Results {
            cells: vec![
                cell(timeline(1)),
                cell(None),
                cell(timeline(50)),
                cell(timeline(50)),
            ],
            ..crate::results::Results::default()
        };
        let bytes = |spans: usize| 3 * FIGURE_BYTES + spans * SPAN_BYTES;
        assert_eq!(share(&results, bytes(61)), 30);
        assert!(share(&results, bytes(200)) >= 50);
        assert_eq!(share(&results, 0), LEAST_SPANS);
        let busy = results.cells[2].timeline.as_ref().expect("a timeline");
        assert!(spans(busy, grain(busy, 30)) <= 30);
    }

    #[test]
    fn spans_closer_than_the_grain_are_one() {
        let busy: Vec<(u64, u64, u32)> = (0..1_000).map(|at| (at, at + 1, 1)).collect();
        let lane = lane(0, 0, &busy);
        assert_eq!(merged(&lane, 1_000_000, HALF_PIXEL).len(), 1);
        let apart = [(0, 100, 1), (400, 500, 1), (900, u64::MAX, 1)];
        let lane = self::lane(0, 0, &apart);
        let spans = merged(&lane, 1_000, HALF_PIXEL);
        assert_eq!(spans, [(0.0, 100.0), (400.0, 500.0), (900.0, 1_000.0)]);
    }
}
