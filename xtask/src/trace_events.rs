//! The timelines of a comparison in the Trace Event Format, which Perfetto and chrome://tracing
//! open.
//!
//! Each process of each cell is a process of the trace, and each lane is a thread of it: the
//! viewers draw overlapping events of one thread only if they nest, which coroutines do not. All
//! cells begin at 0, so that they can be compared.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::files::Replacement;
use crate::results::{Cell, Lane, Results, Timeline};
use crate::text::{clean, name};

/// The file of a trace, checked before the comparison and written after it.
#[derive(Debug)]
pub struct TraceFile {
    path: PathBuf,
    file: Replacement,
}

impl TraceFile {
    /// Begins a file that gets its name once it is complete.
    ///
    /// # Errors
    ///
    /// One line that names the file and the remedy.
    pub fn begin(path: &Path) -> Result<TraceFile, String> {
        let begun = Replacement::begin(path);
        let file = begun.map_err(|error| unwritable(path, &error))?;
        let path = path.to_owned();
        Ok(TraceFile { path, file })
    }

    /// Writes the timelines of these results, and returns a line that says where they are.
    ///
    /// # Errors
    ///
    /// One line that names the file and the remedy.
    pub fn finish(mut self, results: &Results) -> Result<String, String> {
        let mut writer = BufWriter::new(&mut self.file);
        let written = write(&mut writer, results).and_then(|()| writer.flush());
        drop(writer);
        written
            .and_then(|()| self.file.finish())
            .map_err(|error| unwritable(&self.path, &error))?;
        let with = results.cells.iter().filter(|cell| cell.timeline.is_some());
        let (path, all) = (clean(&self.path.display().to_string()), results.cells.len());
        Ok(match with.count() {
            0 => format!(
                "{path}: empty, since none of the {all} cells has a timeline; a comparison made \
                 with this version records them"
            ),
            with => format!(
                "{path}: the timelines of {with} of {all} cells; open it with https://ui.perfetto.dev or chrome://tracing"
            ),
        })
    }
}

fn unwritable(path: &Path, error: &io::Error) -> String {
    format!(
        "{}: cannot be written: {error}; name a file that can be with `--trace FILE`",
        clean(&path.display().to_string())
    )
}

/// Writes the timelines of all cells that have one, an event a line.
///
/// # Errors
///
/// Those of the writer.
pub fn write(writer: &mut impl Write, results: &Results) -> io::Result<()> {
    let other = json!({
        "command": results.settings.command,
        "started": results.environment.started,
    });
    write!(
        writer,
        "{{\"displayTimeUnit\":\"ms\",\"otherData\":{other},\"traceEvents\":["
    )?;
    let mut events = Events {
        writer,
        written: 0,
        processes: 0,
        threads: 0,
    };
    for cell in &results.cells {
        if let Some(timeline) = &cell.timeline {
            events.cell(&title(results, cell), timeline)?;
        }
    }
    writer.write_all(b"\n]}\n")
}

/// `workload · model/variant ×workers`; with the number of tasks or the rate where there are
/// several tables of that workload.
fn title(results: &Results, cell: &Cell) -> String {
    let mut title = name(&cell.workload);
    let tables = results.workloads.iter();
    if tables.filter(|table| table.name == cell.workload).count() > 1 {
        title.push_str(&match cell.rate {
            Some(rate) => format!(" ({rate} requests/s, {} tasks)", cell.tasks),
            None => format!(" ({} tasks)", cell.tasks),
        });
    }
    title.push_str(" · ");
    title.push_str(&name(&cell.contestant()));
    if cell.workers > 0 {
        title.push_str(&format!(" ×{}", cell.workers));
    }
    title
}

/// The events as they are written. Processes and threads have numbers of their own, since both
/// viewers take equal numbers for the same thing.
struct Events<'w, W> {
    writer: &'w mut W,
    written: usize,
    processes: u64,
    threads: u64,
}

impl<W: Write> Events<'_, W> {
    fn cell(&mut self, title: &str, timeline: &Timeline) -> io::Result<()> {
        let mut processes: BTreeMap<u32, u64> = BTreeMap::new();
        let mut before: Option<(u32, u32)> = None;
        let mut depth = 0;
        for lane in &timeline.lanes {
            self.threads += 1;
            let first = processes.is_empty();
            let pid = match processes.entry(lane.process) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(vacant) => {
                    self.processes += 1;
                    vacant.insert(self.processes);
                    self.process(title, lane.process)?;
                    self.processes
                }
            };
            let labels = labels(timeline);
            if first && !labels.is_empty() {
                self.metadata("process_labels", pid, &json!({ "labels": labels }))?;
            }
            let place = Some((lane.process, lane.thread));
            depth = if before == place { depth + 1 } else { 0 };
            before = place;
            self.lane(lane, pid, depth)?;
        }
        Ok(())
    }

    fn process(&mut self, title: &str, process: u32) -> io::Result<()> {
        let pid = self.processes;
        let name = match process {
            0 => title.to_owned(),
            child => format!("{title} · process {child}"),
        };
        self.metadata("process_name", pid, &json!({ "name": name }))?;
        self.metadata("process_sort_index", pid, &json!({ "sort_index": pid }))
    }

    fn lane(&mut self, lane: &Lane, pid: u64, depth: usize) -> io::Result<()> {
        let tid = self.threads;
        self.metadata("thread_name", pid, &json!({ "name": of_lane(lane, depth) }))?;
        self.metadata("thread_sort_index", pid, &json!({ "sort_index": tid }))?;
        for &(start_ns, end_ns, tasks) in &lane.spans {
            let name = match tasks {
                1 => "task".to_owned(),
                more => format!("{more} tasks"),
            };
            self.event(&json!({
                "ph": "X", "name": name, "cat": "task", "pid": pid, "tid": tid,
                "ts": micros(start_ns), "dur": micros(end_ns - start_ns),
                "args": { "tasks": tasks },
            }))?;
        }
        Ok(())
    }

    /// With a category, a thread and a time, as Chrome writes them: not all readers do without.
    fn metadata(&mut self, name: &str, pid: u64, args: &Value) -> io::Result<()> {
        self.event(&json!({
            "ph": "M", "name": name, "cat": "__metadata", "pid": pid, "tid": self.threads,
            "ts": 0, "args": args,
        }))
    }

    fn event(&mut self, event: &Value) -> io::Result<()> {
        let comma = if self.written > 0 { "," } else { "" };
        self.written += 1;
        write!(self.writer, "{comma}\n{event}")
    }
}

/// The parts that a timeline lacks.
fn labels(timeline: &Timeline) -> String {
    let mut labels = Vec::new();
    if timeline.lanes_left_out > 0 {
        labels.push(format!("{} more lanes left out", timeline.lanes_left_out));
    }
    if timeline.merged_below_ns > 0 {
        let below = micros(timeline.merged_below_ns);
        labels.push(format!("tasks less than {below} µs apart are merged"));
    }
    labels.join(", ")
}

/// The name of a lane: `thread 1`, `stage 0 · thread 2`, `thread 1 · lane 2`.
fn of_lane(lane: &Lane, depth: usize) -> String {
    let stage = lane.stage.map(|stage| format!("stage {stage} · "));
    let depth = (depth > 0).then(|| format!(" · lane {}", depth + 1));
    format!(
        "{}thread {}{}",
        stage.unwrap_or_default(),
        u64::from(lane.thread) + 1,
        depth.unwrap_or_default()
    )
}

fn micros(ns: u64) -> f64 {
    ns as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::SCHEMA;

    fn lane(process: u32, thread: u32, spans: &[(u64, u64, u32)]) -> Lane {
        Lane {
            process,
            thread,
            spans: spans.to_vec(),
            ..Lane::default()
        }
    }

    fn cell(model: &str, workers: usize, lanes: Vec<Lane>) -> Cell {
        Cell {
            workload: "waits\u{1b}[2J".into(),
            model: model.into(),
            variant: "limited".into(),
            workers,
            timeline: Some(Timeline {
                tasks: 9,
                wall_ns: 10_000,
                lanes,
                ..Timeline::default()
            }),
            ..Cell::default()
        }
    }

    fn results(cells: Vec<Cell>) -> Results {
        Results {
            schema: SCHEMA,
            complete: true,
            environment: Default::default(),
            settings: Default::default(),
            workloads: Vec::new(),
            cells,
            skipped: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The events of a trace that was parsed again.
    fn events(results: &Results) -> Vec<Value> {
        let mut text = Vec::new();
        write(&mut text, results).unwrap();
        let trace: Value = serde_json::from_slice(&text).expect("JSON");
        assert_eq!(trace["displayTimeUnit"], "ms");
        trace["traceEvents"].as_array().expect("events").clone()
    }

    fn named<'e>(events: &'e [Value], name: &str) -> Vec<&'e Value> {
        events
            .iter()
            .filter(|event| event["name"] == name)
            .collect()
    }

    #[test]
    fn events_have_what_the_format_asks_for() {
        let lanes = vec![
            lane(0, 0, &[(0, 1_500, 1), (2_000, 2_001, 7)]),
            lane(0, 0, &[(1, 9_999, 1)]),
            lane(2, 0, &[(0, 10_000, 1)]),
        ];
        let found = events(&results(vec![
            cell("threads", 2, lanes),
            cell("queue", 0, vec![lane(0, 0, &[(5, 6, 1)])]),
        ]));
        for event in &found {
            let numbers = ["pid", "tid", "ts"]
                .iter()
                .all(|key| event[*key].is_number());
            assert!(numbers && event["cat"].is_string(), "{event}");
            match event["ph"].as_str() {
                Some("M") => assert!(event["args"].is_object(), "{event}"),
                Some("X") => assert!(event["dur"].is_f64(), "{event}"),
                _ => panic!("{event}"),
            }
        }
        let names = |what| -> Vec<&str> {
            let names = named(&found, what).into_iter();
            names
                .filter_map(|event| event["args"]["name"].as_str())
                .collect()
        };
        assert_eq!(
            names("process_name"),
            [
                "waits\u{fffd}[2J · threads/limited ×2",
                "waits\u{fffd}[2J · threads/limited ×2 · process 2",
                "waits\u{fffd}[2J · queue/limited"
            ]
        );
        assert_eq!(
            names("thread_name"),
            ["thread 1", "thread 1 · lane 2", "thread 1", "thread 1"]
        );
        let merged = named(&found, "7 tasks");
        assert_eq!(merged.len(), 1);
        assert_eq!(
            (&merged[0]["ts"], &merged[0]["dur"]),
            (&json!(2.0), &json!(0.001))
        );
        assert_eq!(merged[0]["args"]["tasks"], 7);
        assert_eq!(named(&found, "task").len(), 4);
    }

    #[test]
    fn processes_and_threads_of_all_cells_differ() {
        let lanes = || vec![lane(0, 0, &[(0, 1, 1)]), lane(1, 0, &[(0, 1, 1)])];
        let found = events(&results(vec![cell("a", 1, lanes()), cell("b", 1, lanes())]));
        let mut places: Vec<(u64, u64)> = named(&found, "task")
            .into_iter()
            .map(|event| {
                (
                    event["pid"].as_u64().unwrap(),
                    event["tid"].as_u64().unwrap(),
                )
            })
            .collect();
        places.sort_unstable();
        assert_eq!(places, [(1, 1), (2, 2), (3, 3), (4, 4)]);
    }

    #[test]
    fn greatest_number_of_a_thread_has_a_name() {
        let last = lane(0, u32::MAX, &[]);
        assert_eq!(of_lane(&last, 0), "thread 4294967296");
    }

    #[test]
    fn trace_says_what_was_left_out() {
        let mut cell = cell("a", 1, vec![lane(0, 0, &[(0, 1, 3)])]);
        let timeline = cell.timeline.as_mut().unwrap();
        (timeline.lanes_left_out, timeline.merged_below_ns) = (36, 1_500);
        let found = events(&results(vec![cell]));
        let labels = named(&found, "process_labels");
        assert_eq!(
            labels[0]["args"]["labels"],
            "36 more lanes left out, tasks less than 1.5 µs apart are merged"
        );
    }

    #[test]
    fn results_without_timelines_make_an_empty_trace() {
        let mut without = cell("a", 1, Vec::new());
        without.timeline = None;
        let lanes = cell("b", 1, Vec::new());
        assert!(events(&results(vec![without, lanes])).is_empty());
    }

    #[test]
    fn trace_replaces_a_file_only_when_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.json");
        std::fs::write(&path, "old").unwrap();
        let file = TraceFile::begin(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        let line = file
            .finish(&results(vec![cell("a", 1, Vec::new())]))
            .unwrap();
        assert!(
            line.contains("trace.json: the timelines of 1 of 1 cells"),
            "{line}"
        );
        let line = TraceFile::begin(&path)
            .unwrap()
            .finish(&results(Vec::new()));
        assert!(line.unwrap().contains("none of the 0 cells has a timeline"));
        let text = std::fs::read(&path).unwrap();
        assert!(serde_json::from_slice::<Value>(&text).is_ok());
        let error = TraceFile::begin(folder.path()).unwrap_err();
        assert!(
            error.contains("is a directory") && error.contains("--trace FILE"),
            "{error}"
        );
    }
}
