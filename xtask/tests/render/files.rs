//! The files beside `results.json`: Markdown, CSV and the picture.

use std::path::Path;

use xtask::render::{self, Page, on_page};
use xtask::report::report;
use xtask::results::{Results, write};
use xtask::stats::summarise;

use crate::against::{earlier, later};
use crate::args;
use crate::fixture::results;

/// The names of a contestant that takes part against its reader.
const HOSTILE: [&str; 9] = [
    "<script>alert(1)</script>",
    "a|b|c",
    "`x` **y** [z](http://example.org)",
    "=HYPERLINK(\"http://example.org\",\"x\")",
    "-2+3+cmd|' /C calc'!A0",
    "@everyone #1",
    "quote\" comma, semi; tab\tnewline\nend",
    "]]>&amp;<!--",
    "\u{1b}[31m\u{202e}",
];

fn hostile() -> Results {
    let mut hostile = results();
    let models = hostile.cells.iter_mut().zip(HOSTILE.iter().cycle());
    for (cell, name) in models {
        cell.model = (*name).to_owned();
        cell.variant = (*name).to_owned();
    }
    for (workload, name) in ["waits", "gcd"].into_iter().zip(["</style><b>", "x|y"]) {
        let cells = hostile
            .cells
            .iter_mut()
            .filter(|cell| cell.workload == workload);
        cells.for_each(|cell| cell.workload = name.to_owned());
    }
    hostile.cells[1].variant.clear();
    hostile.cells[9].variant.clear();
    hostile.workloads[0].name = "</style><b>".into();
    hostile.workloads[1].name = "x|y".into();
    hostile.workloads[0].about = "</summary><img src=x onerror=alert(1)>".into();
    hostile.skipped[0].reason = "<script>".into();
    hostile.warnings.push("<iframe> @here".into());
    hostile.environment.cpu = "<svg onload=alert(1)>".into();
    hostile.settings.command = "| <b> |".into();
    summarise(&mut hostile);
    hostile
}

/// Results with more tables and models than any comparison has.
fn huge() -> Results {
    let mut huge = results();
    let (table, cell) = (huge.workloads[1].clone(), huge.cells[7].clone());
    for number in 0..300 {
        let mut table = table.clone();
        table.name = format!("{}{number}", "n".repeat(10_000));
        let mut cell = cell.clone();
        cell.workload.clone_from(&table.name);
        cell.model = format!("{}{number}", "m".repeat(10_000));
        huge.workloads.push(table);
        huge.cells.push(cell);
    }
    summarise(&mut huge);
    huge
}

#[test]
fn markdown_has_the_answer_the_matrix_and_all_tables() {
    insta::assert_snapshot!("markdown", render::markdown(&results(), None));
}

#[test]
fn markdown_shows_changes_beyond_noise() {
    let text = render::markdown(&later(), Some(&earlier()));
    let (_, text) = text.split_once("\nAgainst the earlier").expect("a part");
    let (text, _) = text.split_once("\n<details>").expect("an end");
    insta::assert_snapshot!("markdown_against", text);
}

#[test]
fn csv_has_a_record_for_every_sample() {
    let mut few = results();
    few.cells
        .iter_mut()
        .for_each(|cell| cell.samples.truncate(2));
    few.cells[3].samples[0].metrics = [("=lag".to_owned(), 1.5)].into();
    insta::assert_snapshot!("csv", render::csv(&few).replace("\r\n", "\n"));
}

#[test]
fn picture_has_every_factor_as_text() {
    insta::assert_snapshot!("picture", render::picture(&results()));
}

/// The records of a CSV file, as RFC 4180 reads them.
fn records(text: &str) -> Vec<Vec<String>> {
    let mut records = vec![vec![String::new()]];
    let mut quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let fields = records.last_mut().expect("a record");
        let field = fields.last_mut().expect("a field");
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            '\r' if !quoted => {
                assert_eq!(letters.next(), Some('\n'), "a record ends with CR LF");
                records.push(vec![String::new()]);
            }
            _ => field.push(letter),
        }
    }
    assert_eq!(
        records.pop(),
        Some(vec![String::new()]),
        "the last line is ended"
    );
    records
}

#[test]
fn csv_of_hostile_names_is_read_back_field_by_field() {
    let hostile = hostile();
    let records = records(&render::csv(&hostile));
    let samples: usize = hostile.cells.iter().map(|cell| cell.samples.len()).sum();
    assert_eq!(records.len(), samples + 1);
    let model = records[0]
        .iter()
        .position(|head| head == "model")
        .expect("a column");
    for record in &records {
        assert_eq!(record.len(), records[0].len(), "{record:?}");
        for field in record {
            assert!(
                !field.starts_with(['=', '+', '-', '@']),
                "a formula: {field}"
            );
            assert!(!field.contains(char::is_control), "{field:?}");
        }
    }
    for name in [
        "'=HYPERLINK(\"http://example.org\",\"x\")",
        "a|b|c",
        "'@everyone #1",
    ] {
        assert!(records.iter().any(|record| record[model] == name), "{name}");
    }
}

/// The line without its code spans, as CommonMark finds them.
fn without_code(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(letter) = rest.chars().next() {
        let run = rest.len() - rest.trim_start_matches('`').len();
        let closing = (1..rest.len()).find(|at| {
            let after = rest.get(run + at..).filter(|_| run > 0).unwrap_or_default();
            let before = rest.get(..run + at).unwrap_or("`");
            after.len() - after.trim_start_matches('`').len() == run && !before.ends_with('`')
        });
        let taken = match (letter, closing) {
            ('\\', _) => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            ('`', Some(at)) => {
                rest = &rest[run + at + run..];
                continue;
            }
            _ => letter.len_utf8(),
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out
}

#[test]
fn code_spans_are_found_as_they_are_read() {
    for (line, bare) in [
        ("a `b` c", "a  c"),
        ("a \\`b\\` c", "a \\`b\\` c"),
        ("`` x`y `` z", " z"),
        ("a `b", "a `b"),
    ] {
        assert_eq!(without_code(line), bare);
    }
}

#[test]
fn markdown_of_hostile_names_stays_text_and_in_its_columns() {
    let text = render::markdown(&hostile(), None);
    let mut columns = None;
    for line in text.lines() {
        let bare = without_code(line);
        // Outside of code, only the folded parts are markup.
        for (at, _) in bare.match_indices('<') {
            let escaped = bare[..at].ends_with('\\');
            let own = [
                "<details><summary>",
                "<summary>",
                "</summary>",
                "</details>",
                "<code>",
                "</code>",
            ];
            let own = own.iter().any(|tag| bare[at..].starts_with(tag));
            assert!(escaped || own, "{line}");
        }
        let cells = line
            .replace("\\\\", "")
            .replace("\\|", "")
            .matches('|')
            .count();
        columns = match (line.starts_with('|'), columns) {
            (false, _) => None,
            (true, None) => Some(cells),
            (true, Some(known)) => {
                assert_eq!(cells, known, "{line}");
                Some(known)
            }
        };
        let outside: String = bare
            .split("<code>")
            .map(|part| part.split_once("</code>").map_or(part, |(_, after)| after))
            .collect();
        assert!(!outside.contains('@') && !outside.contains("://"), "{line}");
    }
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
}

/// Every opening bracket belongs to an element of the picture's own, and each is closed.
#[track_caller]
fn well_formed(picture: &str) {
    let own = ["svg", "title", "desc", "style", "rect", "text", "g"];
    let mut open: Vec<&str> = Vec::new();
    for tag in picture.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("the bracket is closed");
        let name = tag
            .trim_start_matches('/')
            .split(' ')
            .next()
            .unwrap_or_default();
        assert!(own.contains(&name), "<{tag}>");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "</{name}>");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert_eq!(open, [""; 0]);
    for active in [
        "<script",
        "javascript:",
        "<image",
        "url(",
        "@import",
        "onload=\"",
    ] {
        assert!(!picture.contains(active), "{active}");
    }
    assert!(!picture.contains(|c: char| c.is_control() && c != '\n'));
}

#[test]
fn picture_of_odd_results_is_well_formed() {
    let mut empty = results();
    empty.workloads.clear();
    empty.cells.clear();
    empty.skipped.clear();
    empty.environment = Default::default();
    for odd in [results(), hostile(), huge(), empty] {
        let picture = render::picture(&odd);
        well_formed(&picture);
        assert!(picture.len() < 300_000, "{} bytes", picture.len());
    }
}

#[test]
fn markdown_of_huge_results_fits_into_a_comment() {
    let text = render::markdown(&huge(), None);
    assert!(text.len() < 65_536, "{} bytes", text.len());
    assert!(text.contains(" are left out: "), "{}", &text[..2_000]);
}

#[test]
fn interrupted_and_smoke_runs_are_said_first() {
    let mut odd = results();
    odd.settings.smoke = true;
    let text = render::markdown(&odd, None);
    let begin: String = text.lines().take(6).collect();
    assert!(
        begin.contains("**Incomplete**") && begin.contains("**Smoke run**"),
        "{begin}"
    );
    let picture = render::picture(&odd);
    assert!(picture.contains("INCOMPLETE: ") && picture.contains("SMOKE: "));
}

#[test]
fn a_report_writes_the_files_it_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    write(&path("results.json"), &results()).unwrap();
    let mut args = args(&path("results.json"), None, false);
    args.picture = Some(path("m.svg"));
    args.markdown = Some(path("r.md"));
    args.csv = Some(path("r.csv"));
    let said = report(&args).unwrap();
    assert_eq!(said.lines().count(), 3, "{said}");
    let read = |name: &str| std::fs::read_to_string(path(name)).unwrap();
    assert_eq!(read("m.svg"), render::picture(&results()));
    assert_eq!(read("r.md"), render::markdown(&results(), None));
    assert_eq!(read("r.csv"), render::csv(&results()));
    args.picture = Some(Path::new("/dev/null").to_owned());
    let refused = report(&args).unwrap_err();
    assert!(
        refused.contains("/dev/null: cannot be written"),
        "{refused}"
    );
    assert_eq!(refused.lines().count(), 1);
}

#[test]
fn a_document_gets_a_heading_for_every_table() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let mut odd = results();
    odd.workloads[1].name = "g#c <d>".into();
    write(&path("results.json"), &odd).unwrap();
    let document = "<!-- begin: measured -->\n<!-- end: measured -->\n";
    std::fs::write(path("all.md"), document).unwrap();
    let page = Page {
        columns: 40,
        has_colour: true,
    };
    let args = args(&path("results.json"), Some(&path("all.md")), true);
    on_page(page, || report(&args)).unwrap();
    let text = std::fs::read_to_string(path("all.md")).unwrap();
    let headings: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(
        headings,
        ["## waits", "## g-c--d-", "## What the columns mean"]
    );
    assert!(
        text.contains(&render::table(&odd, 0)),
        "as on a plain page: {text}"
    );
    assert_eq!(text.matches("```text\n").count(), 4, "{text}");
}
