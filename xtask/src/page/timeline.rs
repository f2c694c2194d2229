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
const FIGURE_BYTES: usize = 550;

/// Fewer spans than this show nothing, however many cells there are. Lanes beyond the spans that a
/// figure may have are not drawn.
const LEAST_SPANS: usize = 16;

/// Between the bands of threads.
const THREAD_GAP: f64 = 2.0;

/// The most spans that each timeline may have, so that all of them fit into this many bytes.
pub(super) fn share<'a>(timelines: impl Iterator<Item = &'a Timeline>, bytes: usize) -> usize {
    let mut spans: Vec<usize> = timelines
        .map(|it| spans(it, lanes(it, usize::MAX), HALF_PIXEL))
        .collect();
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
fn spans(timeline: &Timeline, lanes: &[Lane], grain: f64) -> usize {
    lanes
        .iter()
        .map(|lane| merged(lane, timeline.wall_ns, grain).len())
        .sum()
}

/// Gaps below this, in the units of a figure, are not drawn: half a pixel, or more where there are
/// too many spans.
fn grain(timeline: &Timeline, most: usize) -> f64 {
    let mut grain = HALF_PIXEL;
    let lanes = lanes(timeline, most);
    while grain < WIDTH && spans(timeline, lanes, grain) > most {
        grain *= 1.25;
    }
    grain
}

/// All that were recorded.
pub(super) fn recorded(results: &Results) -> impl Iterator<Item = &Timeline> {
    let cells = results.cells.iter();
    cells.filter_map(|cell| cell.timeline.as_ref())
}

/// A figure for each cell of the section that has a timeline.
pub(super) fn write(html: &mut Html, section: &Section<'_>, most: usize) {
    let rows = section.race.rows.iter();
    let (with, without): (Vec<&Standing<'_>>, Vec<&Standing<'_>>) =
        rows.partition(|row| row.cell.timeline.is_some());
    if with.is_empty() {
        return;
    }
    html.markup("<h3>Tasks over threads</h3><p class=\"hint\">A band is a thread, a line in it one task after another. Many bands show parallelism, many lines in a band concurrency on one thread. Every other process or stage is darker. Each figure has the time scale of its own sample, which was not timed.");
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
    let lanes = lanes(timeline, most);
    let layout = Layout::of(lanes);
    let said = said(timeline, lanes, grain);
    html.markup("<figure><figcaption><b>")
        .name(name)
        .markup("</b> ");
    html.element("<span>", &said, "</span></figcaption>");
    html.markup("<svg role=\"img\" preserveAspectRatio=\"none\" height=\"");
    html.number(layout.height).markup("\" viewBox=\"0 0 1000 ");
    html.number(layout.height).markup("\"><title>");
    html.text(&format!("{name}: {said}")).markup("</title>");
    html.markup("<rect class=\"band\" width=\"1000\" height=\"");
    html.number(layout.height).markup("\"/>");
    for (width, gaps) in [
        (layout.gap, &layout.thread_gaps),
        (layout.process_gap, &layout.process_gaps),
    ] {
        let mut path = Path::default();
        for middle in gaps {
            path.to(0.0, *middle).across(WIDTH);
        }
        if !path.is_empty() {
            html.markup("<path class=\"gap\" stroke-width=\"")
                .number(width)
                .markup("\" d=\"");
            html.path(&path).markup("\"/>");
        }
    }
    html.markup("<g stroke-width=\"")
        .number(layout.line - 1.0)
        .markup("\">");
    // Processes and stages in turn, so that neighbours are told apart.
    let (mut even, mut odd) = (Path::default(), Path::default());
    for (lane, middle) in lanes.iter().zip(&layout.middles) {
        let path = if (lane.process ^ lane.stage.unwrap_or(0)) % 2 == 0 {
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

/// The lanes that are drawn. A file may have more of them than a comparison records.
fn lanes(timeline: &Timeline, most: usize) -> &[Lane] {
    let shown = timeline.lanes.len().min(Timeline::MAX_LANES).min(most);
    &timeline.lanes[..shown]
}

/// `400 tasks in 12.3 ms on 2 threads, at most 7 at once`.
fn said(timeline: &Timeline, lanes: &[Lane], grain: f64) -> String {
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
    let undrawn = (timeline.lanes.len() - lanes.len()) as u64;
    let left_out = timeline.lanes_left_out.saturating_add(undrawn);
    // Lines that are left out may have been on other threads, and at other times.
    let bound = if left_out > 0 { "at least" } else { "at most" };
    said += &format!(", {bound} {} at once", at_once(lanes));
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

/// The places of lanes, and of the gaps between the bands of threads.
struct Layout {
    line: f64,
    middles: Vec<f64>,
    /// The width of the gaps between threads, and of those between processes.
    gap: f64,
    process_gap: f64,
    /// The middles of those, and of the gaps between processes.
    thread_gaps: Vec<f64>,
    process_gaps: Vec<f64>,
    height: f64,
}

impl Layout {
    fn of(lanes: &[Lane]) -> Layout {
        let (line, gap, process_gap) = match lanes.len() {
            0..=6 => (10.0, THREAD_GAP, 6.0),
            7..=14 => (8.0, THREAD_GAP, 4.0),
            15..=28 => (4.0, THREAD_GAP, 3.0),
            _ => (2.0, 1.0, 2.0),
        };
        let mut layout = Layout {
            line,
            middles: Vec::new(),
            gap,
            process_gap,
            thread_gaps: Vec::new(),
            process_gaps: Vec::new(),
            height: 0.0,
        };
        let mut before: Option<(u32, u32)> = None;
        for lane in lanes {
            let thread = (lane.process, lane.thread);
            if let Some((process, _)) = before.filter(|before| *before != thread) {
                let (gap, gaps) = match process == lane.process {
                    true => (gap, &mut layout.thread_gaps),
                    false => (process_gap, &mut layout.process_gaps),
                };
                gaps.push(layout.height + gap / 2.0);
                layout.height += gap;
            }
            before = Some(thread);
            layout.middles.push(layout.height + line / 2.0);
            layout.height += line;
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
        assert_eq!(layout.thread_gaps, [21.0]);
        assert_eq!(layout.process_gaps, [35.0]);
        assert_eq!(layout.middles, [5.0, 15.0, 27.0, 43.0]);
        assert_eq!(layout.height, 48.0);
    }

    #[test]
    fn simple_timelines_leave_room_to_the_others() {
        let timeline = |count: u64| {
            let spans = (0..count).map(|at| (at * 20, at * 20 + 10, 1));
            Timeline {
                wall_ns: 1_000,
                lanes: vec![lane(0, 0, &spans.collect::<Vec<_>>())],
                ..Timeline::default()
            }
        };
        let timelines = [timeline(1), timeline(50), timeline(50)];
        let share = |spans: usize| share(timelines.iter(), 3 * FIGURE_BYTES + spans * SPAN_BYTES);
        assert_eq!(share(61), 30);
        assert!(share(200) >= 50);
        assert_eq!(share(0), LEAST_SPANS);
        let busy = &timelines[1];
        assert!(spans(busy, &busy.lanes, grain(busy, 30)) <= 30);
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
