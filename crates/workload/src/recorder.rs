//! The spans of a trace, put into lanes and merged while they are recorded, in bounded memory.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU64;

use crate::timeline::{Lane, Timeline};

/// The spans kept while recording: more than a timeline may have, since lanes are left out and
/// spans merged at the end, and few enough not to show in the peak of memory, which is observed
/// during the same sample.
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
    const LEFT_OUT: u64 = 0xffff;

    fn new(place: usize, lane: Option<usize>) -> Token {
        let lane = lane.map_or(Token::LEFT_OUT, |lane| lane as u64);
        let raw = Token::MARK | (place as u64) << 16 | lane;
        Token(NonZeroU64::new(raw).unwrap_or(NonZeroU64::MAX))
    }

    fn place(self) -> usize {
        ((self.0.get() & !Token::MARK) >> 16) as usize
    }

    fn lane(self) -> Option<usize> {
        let lane = self.0.get() & Token::LEFT_OUT;
        (lane != Token::LEFT_OUT).then_some(lane as usize)
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
    tasks: u64,
    spans: usize,
    merged_below_ns: u64,
}

#[derive(Debug)]
struct Thread {
    place: Place,
    lanes: Vec<Row>,
    /// Tasks under way that have no lane, and the most of them at once.
    left_out: u64,
    left_out_peak: u64,
}

/// A lane while it is recorded.
#[derive(Debug, Default)]
struct Row {
    spans: Vec<(u64, u64, u32)>,
    /// The start of the task that is under way.
    since: Option<u64>,
}

impl Recorder {
    /// A task starts on this thread.
    pub(crate) fn open(&mut self, place: Place, now: u64) -> Token {
        let at = self.thread(place);
        let most = self.most_lanes(at);
        let thread = &mut self.threads[at];
        if let Some(lane) = thread.lanes.iter().position(|row| row.since.is_none()) {
            thread.lanes[lane].since = Some(now);
            return Token::new(at, Some(lane));
        }
        if thread.lanes.len() < most {
            thread.lanes.push(Row {
                since: Some(now),
                ..Row::default()
            });
            return Token::new(at, Some(thread.lanes.len() - 1));
        }
        thread.left_out += 1;
        thread.left_out_peak = thread.left_out_peak.max(thread.left_out);
        Token::new(at, None)
    }

    /// That task ends.
    pub(crate) fn close(&mut self, token: Token, now: u64) {
        self.tasks += 1;
        let thread = &mut self.threads[token.place()];
        match token.lane() {
            None => thread.left_out -= 1,
            Some(lane) => {
                let row = &mut thread.lanes[lane];
                let start = row.since.take().unwrap_or(now);
                self.push(token.place(), lane, (start, now.max(start)));
            }
        }
    }

    /// A task that has ended. Those of one thread are added in the order of their starts.
    pub(crate) fn add(&mut self, place: Place, start: u64, end: u64) {
        let at = self.thread(place);
        let most = self.most_lanes(at);
        self.tasks += 1;
        let lanes = &mut self.threads[at].lanes;
        let is_free = |row: &Row| row.spans.last().is_none_or(|last| last.1 <= start);
        let lane = lanes.iter().position(is_free).or_else(|| {
            (lanes.len() < most).then(|| {
                lanes.push(Row::default());
                lanes.len() - 1
            })
        });
        match lane {
            Some(lane) => self.push(at, lane, (start, end.max(start))),
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

    /// The lanes that this thread may have. Every thread has one if that is possible, so that one
    /// with many tasks at once does not hide that others ran beside it.
    fn most_lanes(&self, at: usize) -> usize {
        if at < Timeline::MAX_LANES {
            (Timeline::MAX_LANES / self.threads.len()).max(1)
        } else {
            0
        }
    }

    fn push(&mut self, at: usize, lane: usize, (start, end): (u64, u64)) {
        let spans = &mut self.threads[at].lanes[lane].spans;
        if append(spans, (start, end, 1), self.merged_below_ns) {
            return;
        }
        self.spans += 1;
        if self.spans > MAX_KEPT {
            let mut rows: Vec<_> = self.threads.iter_mut().flat_map(Thread::spans).collect();
            self.merged_below_ns = tighten(&mut rows, MAX_KEPT / 2, self.merged_below_ns);
            self.spans = rows.iter().map(|spans| spans.len()).sum();
        }
    }

    /// The timeline of a sample of this length. Tasks that are still under way are not in it.
    pub(crate) fn finish(mut self, wall_ns: u64) -> Timeline {
        let numbers = self.numbers();
        let mut lanes_left_out = 0;
        // The first lane of each thread comes before the second of any.
        let mut ranked: Vec<(usize, usize, Lane)> = Vec::new();
        for (at, thread) in self.threads.iter_mut().enumerate() {
            lanes_left_out += thread.left_out_peak;
            let ((process, number), stage) = (numbers[at], thread.place.stage);
            for (depth, spans) in thread.spans().enumerate() {
                if spans.is_empty() {
                    continue;
                }
                let lane = Lane {
                    process,
                    thread: number,
                    stage,
                    spans: std::mem::take(spans),
                };
                ranked.push((depth, at, lane));
            }
        }
        ranked.sort_by_key(|(depth, at, _)| (*depth, *at));
        lanes_left_out += ranked.len().saturating_sub(Timeline::MAX_LANES) as u64;
        ranked.truncate(Timeline::MAX_LANES);
        ranked.sort_by_key(|(depth, _, lane)| (lane.process, lane.thread, lane.stage, *depth));
        let mut lanes: Vec<Lane> = ranked.into_iter().map(|(.., lane)| lane).collect();
        let mut rows: Vec<_> = lanes.iter_mut().map(|lane| &mut lane.spans).collect();
        let merged_below_ns = tighten(&mut rows, Timeline::MAX_SPANS, self.merged_below_ns);
        let ends = lanes.iter().filter_map(|lane| lane.spans.last());
        let last = ends.map(|span| span.1).max().unwrap_or(0);
        Timeline {
            tasks: self.tasks,
            wall_ns: wall_ns.max(last),
            merged_below_ns,
            lanes_left_out,
            lanes,
        }
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

impl Thread {
    fn spans(&mut self) -> impl Iterator<Item = &mut Vec<(u64, u64, u32)>> {
        self.lanes.iter_mut().map(|row| &mut row.spans)
    }
}

/// Appends a span, and returns whether it was merged with the last one, since the gap between them
/// is below `below`.
fn append(spans: &mut Vec<(u64, u64, u32)>, next: (u64, u64, u32), below: u64) -> bool {
    match spans.last_mut() {
        Some(last) if next.0.saturating_sub(last.1) < below => {
            last.1 = last.1.max(next.1);
            last.2 = last.2.saturating_add(next.2);
            true
        }
        _ => {
            spans.push(next);
            false
        }
    }
}

/// Merges the spans with the smallest gaps between them, wherever they are, until at most `most`
/// are left, or one of each row. Returns the gap below which all are merged now.
fn tighten(rows: &mut [&mut Vec<(u64, u64, u32)>], most: usize, below: u64) -> u64 {
    let spans: usize = rows.iter().map(|spans| spans.len()).sum();
    let mut gaps: Vec<u64> = rows
        .iter()
        .flat_map(|spans| spans.windows(2))
        .map(|pair| pair[1].0.saturating_sub(pair[0].1))
        .collect();
    let surplus = spans.saturating_sub(most).min(gaps.len());
    if surplus == 0 {
        return below;
    }
    gaps.sort_unstable();
    let below = below.max(gaps[surplus - 1].saturating_add(1));
    for spans in rows {
        for span in std::mem::take(*spans) {
            append(spans, span, below);
        }
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(thread: u32) -> Place {
        Place {
            process: Process::Own,
            thread,
            stage: None,
        }
    }

    fn spans(lane: &Lane) -> &[(u64, u64, u32)] {
        &lane.spans
    }

    #[test]
    fn overlapping_tasks_of_a_thread_take_its_lowest_free_lane() {
        let mut recorder = Recorder::default();
        let first = recorder.open(own(7), 0);
        let second = recorder.open(own(7), 1);
        recorder.close(first, 5);
        let third = recorder.open(own(7), 6);
        recorder.close(second, 8);
        recorder.close(third, 9);
        let timeline = recorder.finish(20);
        assert_eq!(timeline.check(), Ok(()));
        assert_eq!((timeline.tasks, timeline.wall_ns), (3, 20));
        let [one, two] = &timeline.lanes[..] else {
            panic!("{timeline:?}");
        };
        assert_eq!(spans(one), [(0, 5, 1), (6, 9, 1)]);
        assert_eq!(spans(two), [(1, 8, 1)]);
        // Numbered from 0, whatever the index of the thread.
        assert!(timeline.lanes.iter().all(|lane| lane.thread == 0));
    }

    #[test]
    fn lanes_beyond_the_limit_are_counted() {
        let mut recorder = Recorder::default();
        let tokens: Vec<Token> = (0..100).map(|at| recorder.open(own(0), at)).collect();
        for token in tokens {
            recorder.close(token, 200);
        }
        let timeline = recorder.finish(200);
        assert_eq!(timeline.check(), Ok(()));
        assert_eq!(timeline.lanes.len(), Timeline::MAX_LANES);
        assert_eq!((timeline.tasks, timeline.lanes_left_out), (100, 36));
    }

    #[test]
    fn thread_with_many_tasks_hides_no_other() {
        let mut recorder = Recorder::default();
        let mut tokens: Vec<Token> = (0..1_000).map(|at| recorder.open(own(0), at)).collect();
        tokens.push(recorder.open(own(1), 2_000));
        tokens.extend((0..1_000).map(|at| recorder.open(own(2), 3_000 + at)));
        for token in tokens {
            recorder.close(token, 5_000);
        }
        let timeline = recorder.finish(5_000);
        assert_eq!(timeline.check(), Ok(()));
        let of = |thread| {
            let lanes = timeline.lanes.iter();
            lanes.filter(|lane| lane.thread == thread).count()
        };
        assert_eq!((of(0), of(1), of(2)), (42, 1, 21));
        assert_eq!(timeline.lanes.len() as u64 + timeline.lanes_left_out, 2_001);
    }

    #[test]
    fn hundred_threads_have_a_lane_each_up_to_the_limit() {
        let mut recorder = Recorder::default();
        for thread in 0..100 {
            let token = recorder.open(own(thread), u64::from(thread));
            recorder.close(token, 1_000);
        }
        let timeline = recorder.finish(1_000);
        assert_eq!(timeline.check(), Ok(()));
        assert_eq!((timeline.lanes.len(), timeline.lanes_left_out), (64, 36));
    }

    #[test]
    fn spans_beyond_the_limit_are_merged_across_the_smallest_gaps() {
        let mut recorder = Recorder::default();
        // Bursts of 500 tasks, a gap of 10 between tasks, and of 1,000,000 between bursts.
        let mut now = 0;
        for _ in 0..40 {
            for _ in 0..500 {
                let token = recorder.open(own(0), now);
                recorder.close(token, now + 90);
                now += 100;
            }
            now += 1_000_000;
        }
        let timeline = recorder.finish(now);
        assert_eq!(timeline.check(), Ok(()));
        assert_eq!(timeline.tasks, 20_000);
        assert_eq!(timeline.merged_below_ns, 11);
        let spans = spans(&timeline.lanes[0]);
        assert_eq!(spans.len(), 40);
        assert!(spans.iter().all(|span| span.2 == 500), "{spans:?}");
    }

    #[test]
    fn processes_and_threads_are_numbered_by_their_first_task() {
        let mut recorder = Recorder::default();
        let worker = |pid| Place {
            process: Process::Worker(pid),
            ..own(3)
        };
        recorder.add(worker(900), 0, 10);
        recorder.add(worker(100), 5, 10);
        recorder.add(worker(900), 10, 20);
        // It overlaps the last one of this worker.
        recorder.add(worker(900), 15, 30);
        let timeline = recorder.finish(10);
        assert_eq!(timeline.check(), Ok(()));
        let places: Vec<_> = timeline
            .lanes
            .iter()
            .map(|l| (l.process, l.thread))
            .collect();
        assert_eq!(places, [(1, 0), (1, 0), (2, 0)]);
        assert_eq!(spans(&timeline.lanes[0]), [(0, 10, 1), (10, 20, 1)]);
        assert_eq!(timeline.wall_ns, 30, "no span ends after the sample");
    }

    #[test]
    fn stages_of_one_thread_have_lanes_of_their_own() {
        let mut recorder = Recorder::default();
        for stage in [1, 0, 1] {
            let place = Place {
                stage: Some(stage),
                ..own(0)
            };
            let token = recorder.open(place, 10 - u64::from(stage));
            recorder.close(token, 10);
        }
        let timeline = recorder.finish(20);
        let stages: Vec<_> = timeline.lanes.iter().map(|lane| lane.stage).collect();
        assert_eq!(stages, [Some(0), Some(1)]);
    }
}
