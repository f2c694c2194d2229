//! The timeline of an untimed sample: when tasks ran, and on which threads.

use serde::{Deserialize, Serialize};

/// When and where the tasks of one untimed sample ran, condensed by the runner.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timeline {
    /// Tasks recorded, those in lanes left out included. In a pipeline each stage of a task counts.
    pub tasks: u64,
    /// The length of the sample.
    pub wall_ns: u64,
    /// Spans of a lane closer together than this are one span; 0 if none were merged.
    pub merged_below_ns: u64,
    /// Lanes beyond the limit, of which only the number is known.
    pub lanes_left_out: u64,
    /// At most [`Timeline::MAX_LANES`], those of one thread together.
    pub lanes: Vec<Lane>,
}

/// Tasks that ran one after another on one thread. Tasks that overlap on a thread, as coroutines
/// do, are in several lanes of that thread.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lane {
    /// 0 for the runner itself, then child processes in the order of their first task. Where each
    /// task has a process of its own, the number of one that has ended is given to the next.
    pub process: u32,
    /// The thread within its process, in the order of its first task, from 0. The number of a
    /// thread that has ended is given to the next.
    pub thread: u32,
    /// The stage whose tasks these are, in a pipeline whose stages have threads of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<u32>,
    /// Spans in the order of time: start and end since the start of the sample, and the number of
    /// tasks.
    pub spans: Vec<(u64, u64, u32)>,
}

impl Timeline {
    /// The most lanes.
    pub const MAX_LANES: usize = 64;

    /// The most spans of all lanes together.
    pub const MAX_SPANS: usize = 512;

    /// The most tasks that are believed (2^53, so that any reader of JSON can hold the number).
    const MAX_TASKS: u64 = 1 << 53;

    /// The greatest number of a process, a thread or a stage that is believed. Linux allows four
    /// million threads at once, but only with limits far beyond those it starts with.
    const MAX_NUMBER: u32 = 1 << 20;

    /// Checks the limits, and that the spans of each lane are within the sample, in order, and do
    /// not overlap.
    ///
    /// # Errors
    ///
    /// The first fault, in a few words.
    pub fn check(&self) -> Result<(), String> {
        let (most_lanes, most_spans) = (Timeline::MAX_LANES, Timeline::MAX_SPANS);
        if self.lanes.len() > most_lanes {
            return Err(format!(
                "it has {} lanes, more than {most_lanes}",
                self.lanes.len()
            ));
        }
        let spans: usize = self.lanes.iter().map(|lane| lane.spans.len()).sum();
        if spans > most_spans {
            return Err(format!("it has {spans} spans, more than {most_spans}"));
        }
        if self.tasks > Timeline::MAX_TASKS || self.lanes_left_out > Timeline::MAX_TASKS {
            return Err("no sample has that many tasks or lanes".to_owned());
        }
        let mut shown = 0;
        for lane in &self.lanes {
            lane.check(self.wall_ns)?;
            let tasks = lane.spans.iter().map(|span| u64::from(span.2));
            shown += tasks.sum::<u64>();
        }
        if shown > self.tasks {
            return Err(format!(
                "its spans hold {shown} tasks, more than all {}",
                self.tasks
            ));
        }
        let places = self.lanes.iter().map(|lane| (lane.process, lane.thread));
        if !places.is_sorted() {
            return Err("its lanes are not in the order of processes and threads".to_owned());
        }
        Ok(())
    }
}

impl Lane {
    fn check(&self, wall_ns: u64) -> Result<(), String> {
        let greatest = self.process.max(self.thread).max(self.stage.unwrap_or(0));
        if greatest > Timeline::MAX_NUMBER {
            return Err(format!(
                "no sample has a process, thread or stage {greatest}"
            ));
        }
        let mut before = 0;
        for &(start, end, tasks) in &self.spans {
            if start > end {
                return Err(format!("a span ends at {end} ns, before its start {start}"));
            }
            if start < before {
                return Err(format!(
                    "two spans of a lane overlap or are out of order, at {start} ns"
                ));
            }
            if end > wall_ns {
                return Err(format!(
                    "a span ends at {end} ns, after the sample of {wall_ns} ns"
                ));
            }
            if tasks == 0 {
                return Err("a span has no task".to_owned());
            }
            before = end;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one() -> Timeline {
        Timeline {
            tasks: 3,
            wall_ns: 100,
            lanes: vec![Lane {
                spans: vec![(0, 10, 1), (10, 100, 2)],
                ..Lane::default()
            }],
            ..Timeline::default()
        }
    }

    #[test]
    fn timeline_within_its_limits_is_accepted() {
        assert_eq!(one().check(), Ok(()));
        assert_eq!(Timeline::default().check(), Ok(()));
    }

    #[test]
    fn each_broken_limit_is_named() {
        let mut wrong: Vec<(Timeline, &str)> = Vec::new();
        let mut with = |words, change: fn(&mut Timeline)| {
            let mut timeline = one();
            change(&mut timeline);
            wrong.push((timeline, words));
        };
        with("65 lanes", |t| t.lanes.resize(65, Lane::default()));
        with("513 spans", |t| {
            t.lanes[0].spans = (0..513).map(|at| (at, at, 1)).collect();
        });
        with("that many tasks", |t| t.tasks = u64::MAX);
        with("that many tasks", |t| t.lanes_left_out = u64::MAX);
        with("more than all 2", |t| t.tasks = 2);
        with("before its start", |t| t.lanes[0].spans[0] = (5, 4, 1));
        with("overlap", |t| t.lanes[0].spans[0] = (0, 11, 1));
        with("after the sample", |t| t.wall_ns = 99);
        with("stage 1048577", |t| t.lanes[0].process = 1_048_577);
        with("stage 1048577", |t| t.lanes[0].thread = 1_048_577);
        with("stage 4294967295", |t| t.lanes[0].stage = Some(u32::MAX));
        with("no task", |t| t.lanes[0].spans[0].2 = 0);
        with("not in the order", |t| {
            t.lanes.push(Lane::default());
            t.lanes[0].thread = 1;
        });
        for (timeline, words) in wrong {
            let why = timeline.check().unwrap_err();
            assert!(why.contains(words), "{words}: {why}");
        }
    }
}
