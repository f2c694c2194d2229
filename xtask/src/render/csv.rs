//! `results.csv`: one record per sample, as RFC 4180 has it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::results::{Cell, Results, Sample};
use crate::text;

/// The columns before the metrics. `cell` is the place of the cell in `results.json`, from 0: a key
/// even where long names are cut alike.
const HEADS: [&str; 22] = [
    "cell",
    "workload",
    "tasks",
    "rate",
    "model",
    "variant",
    "workers",
    "sized",
    "verified",
    "failed",
    "sample",
    "life",
    "round",
    "warm_up",
    "wall_ns",
    "cpu_ns",
    "user_ns",
    "system_ns",
    "voluntary_switches",
    "involuntary_switches",
    "setup_ns",
    "started",
];

/// Columns for metrics beyond these are left out; a comparison knows a dozen.
const MAX_METRICS: usize = 64;

/// Characters that make a spreadsheet take a field for a formula where they open it.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Every sample with the key of its cell, its raw numbers and its own metrics; a head first, lines
/// ended by CR LF. Cells without samples have no record.
pub fn csv(results: &Results) -> String {
    let metrics = metrics(results);
    let mut out = String::new();
    let own = metrics.iter().map(|metric| field(metric));
    let heads: Vec<String> = HEADS
        .iter()
        .map(|head| (*head).to_owned())
        .chain(own)
        .collect();
    record(&mut out, &heads);
    for (place, cell) in results.cells.iter().enumerate() {
        let key = key(place, cell);
        let tail = [
            cell.setup_ns.to_string(),
            field(&results.environment.started),
        ];
        for (number, sample) in cell.samples.iter().enumerate() {
            let own = metrics.iter().map(|metric| metric_of(sample, metric));
            let fields: Vec<String> = key
                .iter()
                .cloned()
                .chain(figures(number, sample))
                .chain(tail.iter().cloned())
                .chain(own)
                .collect();
            record(&mut out, &fields);
        }
    }
    out
}

/// The names of the metrics that samples have, in alphabetical order.
fn metrics(results: &Results) -> Vec<&str> {
    let samples = results.cells.iter().flat_map(|cell| &cell.samples);
    let names: BTreeSet<&str> = samples
        .flat_map(|sample| sample.metrics.keys().map(String::as_str))
        .collect();
    names.into_iter().take(MAX_METRICS).collect()
}

fn key(place: usize, cell: &Cell) -> [String; 10] {
    [
        place.to_string(),
        field(&cell.workload),
        cell.tasks.to_string(),
        cell.rate.map_or_else(String::new, number),
        field(&cell.model),
        field(&cell.variant),
        cell.workers.to_string(),
        cell.sized.to_string(),
        cell.verified.to_string(),
        cell.error.is_some().to_string(),
    ]
}

fn figures(number: usize, sample: &Sample) -> [String; 10] {
    [
        number.to_string(),
        sample.life.to_string(),
        sample.round.to_string(),
        sample.warm_up.to_string(),
        sample.wall_ns.to_string(),
        sample.cpu_ns.to_string(),
        sample.user_ns.to_string(),
        sample.system_ns.to_string(),
        sample.voluntary_switches.to_string(),
        sample.involuntary_switches.to_string(),
    ]
}

fn metric_of(sample: &Sample, metric: &str) -> String {
    let value = sample.metrics.get(metric).copied();
    value.map_or_else(String::new, number)
}

/// The shortest digits that give the same number again; empty for what is no number.
fn number(value: f64) -> String {
    if value.is_finite() {
        format!("{value:?}")
    } else {
        String::new()
    }
}

/// A text from a file or a contestant: in one line, cut to the length of a name, never a formula,
/// and quoted where a reader would take it for more than one field.
fn field(text: &str) -> String {
    let mut field = text::name(text);
    if text.starts_with(FORMULA) || field.starts_with(FORMULA) {
        // Spreadsheets show the text behind an apostrophe as it is.
        field.insert(0, '\'');
    }
    if field.contains([',', '"', ';', '\'']) {
        field = format!("\"{}\"", field.replace('"', "\"\""));
    }
    field
}

fn record(out: &mut String, fields: &[String]) {
    let _ = write!(out, "{}\r\n", fields.join(","));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_as_the_standard_says() {
        for (text, expected) in [
            ("gcd", "gcd"),
            ("", ""),
            ("a b", "a b"),
            ("a,b", "\"a,b\""),
            ("say \"a\"", "\"say \"\"a\"\"\""),
            ("a\r\nb", "a b"),
            ("a;b", "\"a;b\""),
        ] {
            assert_eq!(field(text), expected);
        }
    }

    #[test]
    fn a_name_that_opens_like_a_formula_is_text() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            let field = field(text);
            assert!(field.starts_with("\"'"), "{text:?}: {field}");
        }
        assert_eq!(field("a=1"), "a=1");
        assert_eq!(field("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
    }

    #[test]
    fn numbers_are_read_back_as_they_were() {
        for value in [0.0, 0.1, 1e300, 123_456_789.125, 1.0 / 3.0] {
            assert_eq!(number(value).parse(), Ok(value));
        }
        assert_eq!(number(f64::NAN), "");
    }
}
