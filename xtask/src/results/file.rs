//! `results.json` on disk.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize as _};
use serde_json::Serializer;

use workload_stats::Interval;

use super::layout::Layout;
use super::{MAX_ITERATIONS_PER_US, Results, SCHEMA};
use crate::files;
use crate::text::{clean, cut};

/// The limit on a results file. A full comparison with 28 numbers of workers takes a tenth of it.
const MAX_BYTES: u64 = 64 << 20;

/// No comparison makes more. Rendering looks at each cell for each table, so the product must be
/// bounded.
const MAX_TABLES: usize = 5_000;
const MAX_ROWS: usize = 200_000;

/// The parser's message may quote the file.
const MAX_REASON_COLUMNS: usize = 300;

const AGAIN: &str = "write it anew with `cargo xtask compare`";

/// Reads the results of a comparison.
///
/// # Errors
///
/// A one-line message that names the file and the remedy: the file is missing or unreadable, not a
/// regular file, larger than 64 MiB, or refused by [`parse`].
pub fn read(path: &Path) -> Result<Results, String> {
    let name = clean(&path.display().to_string());
    let text = files::read(path, MAX_BYTES).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!(
            "{name}: there is no such file; name the results.json that `cargo xtask compare` \
             left in its --output (by default target/compare/results.json)"
        ),
        io::ErrorKind::IsADirectory => {
            format!("{name}: is a directory; name the results.json in it")
        }
        _ => format!("{name}: cannot be read ({error}); name a results.json that can"),
    })?;
    parse(&text).map_err(|why| format!("{name}: {why}"))
}

/// Reads the results of an earlier comparison, to compare with and to reuse the calibration of.
///
/// # Errors
///
/// As [`read`], and a one-line message if [`parse_baseline`] refuses the file.
pub fn read_baseline(path: &Path) -> Result<Results, String> {
    let name = clean(&path.display().to_string());
    read(path)
        .and_then(|results| check_calibration(results).map_err(|why| format!("{name}: {why}")))
}

/// [`parse`], for results whose calibration the next comparison reuses.
///
/// # Errors
///
/// As [`parse`], and for more iterations per microsecond than [`MAX_ITERATIONS_PER_US`].
pub fn parse_baseline(text: &[u8]) -> Result<Results, String> {
    parse(text).and_then(check_calibration)
}

fn check_calibration(results: Results) -> Result<Results, String> {
    let calibrated = results.environment.iterations_per_us;
    if calibrated <= MAX_ITERATIONS_PER_US {
        return Ok(results);
    }
    Err(format!(
        "says that this machine does {calibrated} iterations in a microsecond, more than the {MAX_ITERATIONS_PER_US} that \
         are believed; {AGAIN}"
    ))
}

/// Reads the results of a comparison from the bytes of their file.
///
/// # Errors
///
/// The rest of a one-line message, with the remedy: not JSON, not the results of a comparison, or
/// another version of the format.
pub fn parse(text: &[u8]) -> Result<Results, String> {
    /// The fields of every version of the format.
    #[derive(Deserialize)]
    struct Head {
        schema: u64,
    }
    let other = |what: &str| {
        format!(
            "is not the results of a comparison ({}); {AGAIN}",
            cut(what, MAX_REASON_COLUMNS)
        )
    };
    let head: Head = serde_json::from_slice(text).map_err(|error| {
        if error.is_data() {
            other(&error.to_string())
        } else {
            format!(
                "is not JSON ({}); {AGAIN}",
                cut(&error.to_string(), MAX_REASON_COLUMNS)
            )
        }
    })?;
    let known = u64::from(SCHEMA);
    if head.schema > known {
        return Err(format!(
            "has schema {}, newer than the {known} this program knows; update this checkout",
            head.schema
        ));
    }
    if head.schema < known {
        return Err(format!(
            "has schema {}, but this program knows {known} only; {AGAIN}",
            head.schema
        ));
    }
    let mut results: Results =
        serde_json::from_slice(text).map_err(|error| other(&error.to_string()))?;
    let rows = results.cells.len() + results.skipped.len();
    if results.workloads.len() > MAX_TABLES || rows > MAX_ROWS {
        return Err(other(
            "it has more tables or cells than any comparison makes",
        ));
    }
    if let Some(what) = blank(&results) {
        return Err(other(what));
    }
    // Whatever draws a timeline relies on its limits, and the rest of the cell is worth showing.
    for cell in &mut results.cells {
        cell.timeline.take_if(|timeline| timeline.check().is_err());
    }
    Ok(results)
}

/// Blank names never occur in results of a comparison: their tables could not be told apart.
fn blank(results: &Results) -> Option<&'static str> {
    let is_blank = |text: &String| clean(text).trim().is_empty();
    let cells = results.cells.iter();
    let skipped = results.skipped.iter();
    if results.workloads.iter().any(|table| is_blank(&table.name)) {
        return Some("the name of a workload is blank");
    }
    let mut models = cells
        .map(|cell| &cell.model)
        .chain(skipped.map(|skipped| &skipped.model));
    models
        .any(is_blank)
        .then_some("the name of a model is blank")
}

/// Writes the results as indented JSON, beside `path` first and then renamed.
///
/// JSON has no word for infinity and the like: an interval or a metric that is not a number is left
/// out, so that what was written can be read again.
///
/// # Errors
///
/// As [`files::replace`]; `path` is then as it was before.
pub fn write(path: &Path, results: &Results) -> io::Result<()> {
    let mut json = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut json, Layout::new());
    finite(results).serialize(&mut serializer)?;
    json.push(b'\n');
    files::replace(path, &json)
}

fn finite(results: &Results) -> Results {
    let mut results = results.clone();
    if !results.environment.load_average.is_finite() {
        results.environment.load_average = 0.0;
    }
    let bound = |bound: f64| Some(bound).filter(|b| b.is_finite());
    let interval = |interval: Interval| {
        let (low, high) = (interval.low.and_then(bound), interval.high.and_then(bound));
        interval.median.is_finite().then_some(Interval {
            low,
            high,
            ..interval
        })
    };
    for cell in &mut results.cells {
        cell.wall_ns = cell.wall_ns.and_then(interval);
        cell.response_ns = cell.response_ns.and_then(interval);
        cell.ratio_to_best = cell.ratio_to_best.and_then(interval);
        cell.speedup = cell.speedup.and_then(interval);
        cell.metrics.retain(|_, value| value.is_finite());
    }
    results
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::results::{Cell, Lane, Timeline};

    fn results() -> Results {
        let cell = Cell {
            workload: "waits".into(),
            model: "threads".into(),
            workers: 2,
            sized: false,
            tasks: 10,
            verified: true,
            setup_ns: 5,
            samples: vec![Default::default()],
            wall_ns: Some(Interval {
                median: 2.5,
                low: None,
                high: None,
            }),
            rank: Some(1),
            ..Cell::default()
        };
        Results {
            schema: SCHEMA,
            complete: true,
            environment: Default::default(),
            settings: Default::default(),
            workloads: Vec::new(),
            cells: vec![cell],
            skipped: Vec::new(),
            warnings: vec!["one".into()],
        }
    }

    fn error_of(text: &[u8]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("results.json");
        fs::write(&path, text).unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.contains("results.json: "), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        error
    }

    #[test]
    fn written_results_are_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("results.json");
        write(&path, &results()).unwrap();
        write(&path, &results()).unwrap();
        assert_eq!(read(&path).unwrap(), results());
        assert!(
            fs::read_to_string(&path)
                .unwrap()
                .contains("\n  \"schema\": 1,\n")
        );
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "nothing left beside it"
        );
    }

    #[test]
    fn timeline_beyond_its_limits_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("results.json");
        let lane = |end| Lane {
            spans: vec![(0, end, 1)],
            ..Lane::default()
        };
        for (lanes, is_kept) in [
            (vec![lane(5); 2], true),
            (vec![lane(6)], false),
            (vec![lane(5); 65], false),
        ] {
            let mut with = results();
            with.cells[0].timeline = Some(Timeline {
                tasks: 100,
                wall_ns: 5,
                lanes,
                ..Timeline::default()
            });
            write(&path, &with).unwrap();
            let read = read(&path).unwrap();
            assert_eq!(read.cells[0].timeline.is_some(), is_kept);
            assert!(!is_kept || read == with);
        }
    }

    #[test]
    fn figures_that_are_not_numbers_are_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("results.json");
        let mut odd = results();
        odd.environment.load_average = f64::NAN;
        odd.cells[0].wall_ns = Some(Interval {
            median: f64::INFINITY,
            low: None,
            high: None,
        });
        odd.cells[0].speedup = Some(Interval {
            median: 1.0,
            low: None,
            high: Some(f64::NAN),
        });
        odd.cells[0].metrics.insert("lag".into(), f64::NAN);
        write(&path, &odd).unwrap();
        let read = read(&path).unwrap();
        assert_eq!(read.cells[0].wall_ns, None);
        assert_eq!(read.cells[0].speedup.unwrap().high, None);
        assert!(read.cells[0].metrics.is_empty());
    }

    #[test]
    fn errors_are_one_line_with_the_file_and_the_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let missing = read(&dir.path().join("none.json")).unwrap_err();
        assert!(
            missing.contains("none.json: there is no such file; name the"),
            "{missing}"
        );
        let directory = read(dir.path()).unwrap_err();
        assert!(directory.contains("is a directory; name"), "{directory}");

        for text in [
            &b""[..],
            b"{",
            b"[results]",
            b"\xff\xfe",
            b"{\"schema\": 1}}",
        ] {
            let error = error_of(text);
            assert!(
                error.contains("is not JSON (") && error.contains("write it anew"),
                "{error}"
            );
        }
        for text in [
            "{}",
            "[]",
            "{\"schema\": \"1\\n\"}",
            "{\"schema\": 1, \"cells\": 3}",
        ] {
            let error = error_of(text.as_bytes());
            assert!(
                error.contains("is not the results of a comparison ("),
                "{error}"
            );
        }
        let newer = error_of(br#"{"schema": 2, "anything": []}"#);
        assert!(
            newer.contains("schema 2, newer than the 1") && newer.contains("update"),
            "{newer}"
        );
        assert!(error_of(br#"{"schema": 0}"#).contains("schema 0, but this program knows 1 only"));
    }

    #[test]
    fn a_baseline_with_an_absurd_calibration_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("results.json");
        let mut odd = results();
        odd.environment.iterations_per_us = MAX_ITERATIONS_PER_US;
        write(&path, &odd).unwrap();
        read_baseline(&path).unwrap();
        odd.environment.iterations_per_us = 1_000_000_000_000;
        write(&path, &odd).unwrap();
        let error = read_baseline(&path).unwrap_err();
        assert!(
            error.contains("results.json: says") && error.contains("1000000000000 iterations"),
            "{error}"
        );
        assert!(parse_baseline(&fs::read(&path).unwrap()).is_err());
        read(&path).unwrap();
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("results.json");
        // A directory cannot be replaced by a file.
        fs::create_dir_all(path.join("inside")).unwrap();
        assert!(write(&path, &results()).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(write(&dir.path().join("no/such/results.json"), &results()).is_err());
        assert!(write(Path::new("/"), &results()).is_err());
    }
}
