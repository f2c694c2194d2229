//! The spans of a trace, put into lanes and merged while they are recorded, in bounded memory.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZeroU64;

use crate::timeline::{Lane, Timeline};

/// The spans kept while recording: more than a timeline may have, since lanes are left out and
/// spans merged at the end.
const MAX_KEPT: usize = 8 * Timeline::MAX_SPANS;

/// The process that a task ran in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Process {
    /// The runner itself.
    Own,
    /// A worker process that lives as long as the sample, by its id.
    Worker(u32),
    /// A process that lived for one task, by its place among those alive.
    OfOneTask(u32),
}

/// The thread that tasks ran on, and the stage whose tasks they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) process: Process,
    pub(crate) thread: u32,
    pub(crate) stage: Option<u32>,
}

/// The lane of a task that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token(NonZeroU64);

impl Token {
    /// Tells a token from a time: no sample takes 292 years.
    const MARK: u64 = 1 << 63;
    /// The lane of none, in the lower half.
    const LEFT_OUT: u32 = u32::MAX;

    fn new(thread: usize, lane: Option<u32>) -> Token {
        // A process has fewer threads than 31 bits can count.
        let (thread, lane) = (thread as u64, u64::from(lane.unwrap_or(Token::LEFT_OUT)));
        let raw = Token::MARK | thread << 32 | lane;
        Token(NonZeroU64::new(raw).unwrap_or(NonZeroU64::MAX))
    }

    fn thread(self) -> usize {
        ((self.0.get() & !Token::MARK) >> 32) as usize
    }

    fn lane(self) -> Option<u32> {
        let lane = self.0.get() as u32;
        (lane != Token::LEFT_OUT).then_some(lane)
    }

    pub(crate) fn raw(self) -> u64 {
        self.0.get()
    }

    /// The token with this number; `None` if it is that of none.
    pub(crate) fn from_raw(raw: u64) -> Option<Token> {
        NonZeroU64::new(raw)
            .filter(|raw| raw.get() & Token::MARK != 0)
            .map(Token)
    }
}

/// The lanes of a trace. A task takes the lowest lane of its thread that is free when it starts.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    threads: Vec<Thread>,
    known: HashMap<Place, usize>,
    rows: Vec<Row>,
    spans: Vec<Span>,
    /// Kept for its capacity.
    gaps: Vec<u64>,
    tasks: u64,
    merged_below_ns: u64,
}

#[derive(Debug)]
struct Thread {
    place: Place,
    /// Its lanes, as places in the list of all.
    lanes: Vec<u32>,
    /// Tasks under way that have no lane, and the most of them at once.
    left_out: u64,
    left_out_peak: u64,
}

/// A lane while it is recorded.
#[derive(Debug, Default)]
struct Row {
    /// The start of the task that is under way.
    since: Option<u64>,
    /// Its last span, in the list of all.
    last: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    lane: u32,
    tasks: u32,
    start: u64,
    end: u64,
}

impl Recorder {
    /// A recorder whose memory is already resident. Made before the sample, it does not show in the
    /// peak of memory, which is observed during the same sample.
    pub(crate) fn resident() -> Recorder {
        let mut recorder = Recorder::default();
        // Memory of zeros would not be resident.
        let used = Span {
            lane: 1,
            tasks: 1,
            start: 1,
            end: 1,
        };
        recorder.spans.resize(MAX_KEPT + 1, used);
        recorder.spans.clear();
        recorder.gaps.resize(MAX_KEPT + 1, 1);
        recorder.gaps.clear();
        recorder
    }

    /// A task starts on this thread.
    pub(crate) fn open(&mut self, place: Place, now: u64) -> Token {
        let at = self.thread(place);
        let lane = self.lane(at, |row| row.since.is_none());
        match lane {
            Some(lane) => self.rows[lane as usize].since = Some(now),
            None => {
                let thread = &mut self.threads[at];
                thread.left_out += 1;
                thread.left_out_peak = thread.left_out_peak.max(thread.left_out);
            }
        }
        Token::new(at, lane)
    }

    /// That task ends.
    pub(crate) fn close(&mut self, token: Token, now: u64) {
        self.tasks += 1;
        match token.lane() {
            None => self.threads[token.thread()].left_out -= 1,
            Some(lane) => {
                let start = self.rows[lane as usize].since.take().unwrap_or(now);
                self.push(lane, start, now.max(start));
            }
        }
    }

    /// A task that has ended. Those of one thread are added in the order of their starts.
    pub(crate) fn add(&mut self, place: Place, start: u64, end: u64) {
        self.tasks += 1;
        let at = self.thread(place);
        let spans = std::mem::take(&mut self.spans);
        let lane = self.lane(at, |row| {
            row.last.is_none_or(|last| spans[last].end <= start)
        });
        self.spans = spans;
        match lane {
            Some(lane) => self.push(lane, start, end.max(start)),
            // How many at once is not known, but at least one.
            None => self.threads[at].left_out_peak = self.threads[at].left_out_peak.max(1),
        }
    }

    fn thread(&mut self, place: Place) -> usize {
        *self.known.entry(place).or_insert_with(|| {
            self.threads.push(Thread {
                place,
                lanes: Vec::new(),
                left_out: 0,
                left_out_peak: 0,
            });
            self.threads.len() - 1
        })
    }

    /// The lowest lane of this thread that is free, a new one if there is none, or `None` if it
    /// may have no more.
    ///
    /// Every thread has one if that is possible, so that one with many tasks at once does not hide
    /// that others ran beside it.
    fn lane(&mut self, at: usize, is_free: impl Fn(&Row) -> bool) -> Option<u32> {
        let most = match at {
            0..Timeline::MAX_LANES => (Timeline::MAX_LANES / self.threads.len()).max(1),
            _ => 0,
        };
        let lanes = &mut self.threads[at].lanes;
        let free = lanes
            .iter()
            .find(|lane| is_free(&self.rows[**lane as usize]));
        if free.is_some() || lanes.len() >= most {
            return free.copied();
        }
        let lane = u32::try_from(self.rows.len()).ok()?;
        self.rows.push(Row::default());
        lanes.push(lane);
        Some(lane)
    }

    fn push(&mut self, lane: u32, start: u64, end: u64) {
        let next = Span {
            lane,
            tasks: 1,
            start,
            end,
        };
        let row = &mut self.rows[lane as usize];
        if let Some(last) = row.last
            && next.joins(&mut self.spans[last], self.merged_below_ns)
        {
            return;
        }
        row.last = Some(self.spans.len());
        self.spans.push(next);
        if self.spans.len() > MAX_KEPT {
            self.tighten(MAX_KEPT / 2);
        }
    }

    /// Merges the spans with the smallest gaps between them, on whatever lane, until at most `most`
    /// are left, or one of each lane. Afterwards those of a lane are together.
    fn tighten(&mut self, most: usize) {
        self.spans
            .sort_unstable_by_key(|span| (span.lane, span.start, span.end));
        let pairs = self.spans.windows(2);
        self.gaps.clear();
        self.gaps.extend(
            pairs
                .filter(|pair| pair[0].lane == pair[1].lane)
                .map(|pair| pair[1].start.saturating_sub(pair[0].end)),
        );
        let surplus = self.spans.len().saturating_sub(most).min(self.gaps.len());
        if surplus > 0 {
            self.gaps.sort_unstable();
            let below = self.gaps[surplus - 1].saturating_add(1);
            self.merged_below_ns = self.merged_below_ns.max(below);
        }
        let below = self.merged_below_ns;
        self.spans.dedup_by(|next, kept| next.joins(kept, below));
        for (at, span) in self.spans.iter().enumerate() {
            self.rows[span.lane as usize].last = Some(at);
        }
    }

    /// The timeline of a sample of this length. Tasks that are still under way are not in it.
    pub(crate) fn finish(mut self, wall_ns: u64) -> Timeline {
        let numbers = self.numbers();
        let mut lanes_left_out = 0;
        // The first lane of each thread comes before the second of any.
        let mut ranked: Vec<(usize, usize, u32)> = Vec::new();
        for (at, thread) in self.threads.iter().enumerate() {
            lanes_left_out += thread.left_out_peak;
            let used = thread.lanes.iter().enumerate();
            let used = used.filter(|(_, lane)| self.rows[**lane as usize].last.is_some());
            ranked.extend(used.map(|(depth, lane)| (depth, at, *lane)));
        }
        ranked.sort_unstable();
        lanes_left_out += ranked.len().saturating_sub(Timeline::MAX_LANES) as u64;
        ranked.truncate(Timeline::MAX_LANES);
        let kept: HashSet<u32> = ranked.iter().map(|(.., lane)| *lane).collect();
        self.spans.retain(|span| kept.contains(&span.lane));
        self.tighten(Timeline::MAX_SPANS);
        ranked.sort_by_key(|(depth, at, _)| {
            let (process, thread) = numbers[*at];
            (process, thread, self.threads[*at].place.stage, *depth)
        });
        let lanes = ranked.into_iter().map(|(_, at, lane)| Lane {
            process: numbers[at].0,
            thread: numbers[at].1,
            stage: self.threads[at].place.stage,
            spans: self.of_lane(lane),
        });
        let lanes: Vec<Lane> = lanes.collect();
        let last = self.spans.iter().map(|span| span.end).max().unwrap_or(0);
        Timeline {
            tasks: self.tasks,
            wall_ns: wall_ns.max(last),
            merged_below_ns: self.merged_below_ns,
            lanes_left_out,
            lanes,
        }
    }

    fn of_lane(&self, lane: u32) -> Vec<(u64, u64, u32)> {
        let from = self.spans.partition_point(|span| span.lane < lane);
        let to = self.spans.partition_point(|span| span.lane <= lane);
        let spans = self.spans[from..to].iter();
        spans
            .map(|span| (span.start, span.end, span.tasks))
            .collect()
    }

    /// The numbers of process and thread of each of the threads, in the order of their first task.
    fn numbers(&self) -> Vec<(u32, u32)> {
        let mut processes = BTreeMap::from([(Process::Own, 0)]);
        let mut threads: HashMap<(Process, u32), u32> = HashMap::new();
        let mut in_process: HashMap<Process, u32> = HashMap::new();
        let number = |Thread { place, .. }: &Thread| {
            let next = processes.len() as u32;
            let process = *processes.entry(place.process).or_insert(next);
            let thread = *threads
                .entry((place.process, place.thread))
                .or_insert_with(|| {
                    let count = in_process.entry(place.process).or_insert(0);
                    *count += 1;
                    *count - 1
                });
            (process, thread)
        };
        self.threads.iter().map(number).collect()
    }
}

impl Span {
    /// Extends `before`, the span before this one, if it is on the same lane and the gap between
    /// them is below `below`.
    fn joins(&self, before: &mut Span, below: u64) -> bool {
        let is_close = self.start.saturating_sub(before.end) < below;
        if self.lane != before.lane || !is_close {
            return false;
        }
        before.end = before.end.max(self.end);
        before.tasks = before.tasks.saturating_add(self.tasks);
        true
    }
}

#[cfg(test)]
mod tests;
