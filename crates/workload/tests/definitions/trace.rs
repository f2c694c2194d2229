//! Recorded traces: what each task becomes, and the one-line errors about a trace that is cut off
//! or edited.

use workload::definition::{Recorded, Replay, read_trace};

use crate::support::{HEADER, assert_is_one_line, recorded, trace};

fn read(text: &str) -> Replay {
    read_trace(text.as_bytes(), "good.jsonl").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[track_caller]
fn refused(text: &str, start: &str, parts: &[&str]) {
    let error = read_trace(text.as_bytes(), "bad.jsonl")
        .expect_err(text)
        .to_string();
    assert_is_one_line(&error);
    assert!(
        error.starts_with(&format!("bad.jsonl{start}: ")),
        "not at {start}: {error}"
    );
    assert!(error.contains("; "), "no remedy: {error}");
    for part in parts {
        assert!(error.contains(part), "no {part:?} in: {error}");
    }
}

#[test]
fn rest_of_a_task_is_a_wait_only_if_it_waited() {
    let lines = [
        recorded(1_000, 400, 100, 1),
        recorded(1_000, 400, 100, 0),
        recorded(1_000, 900, 100, 3),
        recorded(0, 0, 0, 0),
    ];
    let found = read(&trace(&lines));
    let task = |compute_ns, wait_ns, waits| Recorded {
        compute_ns,
        wait_ns,
        waits,
    };
    assert_eq!(
        found.tasks(),
        [
            task(400, 500, 1),
            task(400, 0, 0),
            task(900, 0, 0),
            task(0, 0, 0)
        ]
    );
}

#[test]
fn pending_polls_of_a_future_are_waits() {
    let future = recorded(1_000, 400, 100, 1).replace("\"thread\"", "\"pendings\":4,\"thread\"");
    assert_eq!(read(&trace(&[future])).tasks()[0].waits, 5);
}

#[test]
fn task_that_failed_is_replayed_as_far_as_it_got() {
    let ended = |wall_ns, outcome| recorded(wall_ns, 0, 0, 1).replace("done", outcome);
    let lines = [
        ended(7, "panicked"),
        ended(8, "cancelled"),
        ended(0, "cancelled"),
    ];
    let found = read(&trace(&lines));
    let waits: Vec<u64> = found.tasks().iter().map(|task| task.wait_ns).collect();
    assert_eq!(waits, [7, 8], "one future was never polled");
    refused(
        &trace(&lines[2..]),
        "",
        &["no task was recorded", "record some"],
    );
}

#[test]
fn text_that_is_no_trace_is_refused() {
    refused("", "", &["empty", "recording.md"]);
    for text in ["\n", "{}\n", "name = \"orders\"\n", "\u{feff}{}\n", "[1]\n"] {
        refused(text, ":1:1", &["no recorded trace", "recording.md"]);
    }
    refused(
        &HEADER.replace(":1,", ":2,"),
        ":1:1",
        &["is 2, not 1", "this checkout"],
    );
    refused(
        &HEADER.replace("monotonic", "wall\\n"),
        ":1:1",
        &["\"wall…\"", "\"monotonic\""],
    );
    refused(
        &HEADER.replace("\"ns\"", "\"us\""),
        ":1:1",
        &["\"us\"", "in \"ns\""],
    );
}

#[test]
fn truncation_anywhere_is_refused() {
    let lines = [
        recorded(9, 3, 1, 1),
        recorded(8, 3, 1, 0),
        recorded(7, 3, 1, 2),
    ];
    let whole = trace(&lines);
    read(&whole);
    for end in 0..whole.len() {
        let cut = &whole[..end];
        let error = read_trace(cut.as_bytes(), "bad.jsonl")
            .expect_err(cut)
            .to_string();
        assert_is_one_line(&error);
        assert!(
            error.starts_with("bad.jsonl") && error.contains("; "),
            "{error}"
        );
    }
    let without_last: String = format!("{HEADER}{}", lines.concat());
    refused(&without_last, "", &["after 3 tasks", "`Recorder::finish`"]);
    let in_a_line = &whole[..whole.len() - 20];
    refused(
        in_a_line,
        ":4:1",
        &["middle of a line", "`Recorder::finish`"],
    );
}

#[test]
fn edited_field_is_refused() {
    let good = recorded(1_000, 400, 100, 1);
    let edits: &[(&str, &str, &[&str])] = &[
        (
            "\"start_ns\":1000",
            "\"start_ns\":2001",
            &["ends at 2000 before it starts"],
        ),
        ("\"start_ns\":1000,", "", &["missing field `start_ns`"]),
        (
            "\"start_ns\":1000",
            "\"start_ns\":-1",
            &["invalid value", "-1"],
        ),
        (
            "\"end_ns\":2000",
            "\"end_ns\":3600000001001",
            &["more than an hour"],
        ),
        (
            "\"end_ns\":2000",
            "\"end_ns\":\"2000\"",
            &["invalid type", "string"],
        ),
        (
            "\"cpu_ns\":400",
            "\"cpu_ns\":901",
            &["task of 1000 ns", "901 ns of CPU time"],
        ),
        (
            "\"cpu_ns\":400",
            "\"cpu_ns\":1e3",
            &["invalid type", "floating point"],
        ),
        (
            "\"cpu_ns\":400",
            "\"cpu_ns\":18446744073709551615",
            &["task of 1000 ns"],
        ),
        (
            "\"queued_ns\":100",
            "\"queued_ns\":601",
            &["601 ns in a queue"],
        ),
        (
            "\"switches\":1",
            "\"switches\":18446744073709551616",
            &["invalid"],
        ),
        (
            "\"switches\"",
            "\"switched\"",
            &["unknown field `switched`"],
        ),
        ("\"thread\":0", "\"thread\":4294967296", &["invalid value"]),
        ("\"done\"", "\"lost\"", &["unknown variant `lost`"]),
        ("{", "", &["record it again"]),
        ("\"done\"}", "\"done\"}}", &["trailing"]),
        ("1000", "\u{1}", &["record it again"]),
    ];
    for (from, to, parts) in edits {
        assert!(good.contains(from), "{from}");
        let bad = good.replacen(from, to, 1);
        let text = trace(&[good.clone(), bad, good.clone()]);
        let error = read_trace(text.as_bytes(), "bad.jsonl")
            .expect_err(to)
            .to_string();
        assert!(error.starts_with("bad.jsonl:3:"), "{error}");
        for part in *parts {
            assert!(error.contains(part), "no {part:?} in: {error}");
        }
        assert_is_one_line(&error);
    }
}

#[test]
fn edited_last_line_is_refused() {
    let line = recorded(9, 3, 1, 1);
    let with = |last: &str| format!("{HEADER}{line}{last}\n");
    refused(
        &with("{\"tasks\":2}"),
        ":3:1",
        &["counts 2 tasks", "but 1 are here"],
    );
    refused(
        &with("{\"tasks\":1,\"x\":1}"),
        ":3:14",
        &["unknown field `x`"],
    );
    refused(
        &with("{\"tasks\":1}\n"),
        ":4:1",
        &["a line after the last one"],
    );
    refused(
        &with("{\"tasks\":1}\n{\"tasks\":1}"),
        ":4:1",
        &["a line after the last one"],
    );
    let wrong = with("{\"tasks\":1,\"checksum\":\"0123456789abcdef\"}");
    refused(
        &wrong,
        ":3:1",
        &["edited", "\"0123456789abcdef\"", "remove `checksum`"],
    );
}

#[test]
fn checksum_finds_an_edit_that_is_plausible() {
    let line = recorded(1_000, 400, 100, 1);
    let of = |cpu: &str, checksum: &str| {
        let line = line.replace("\"cpu_ns\":400", &format!("\"cpu_ns\":{cpu}"));
        format!("{HEADER}{line}{{\"tasks\":1,\"checksum\":\"{checksum}\"}}\n")
    };
    let wrong = read_trace(of("400", "").as_bytes(), "bad.jsonl")
        .unwrap_err()
        .to_string();
    let found = wrong
        .split('"')
        .nth(3)
        .expect("the checksum that was computed");
    assert_eq!(found.len(), 16, "{wrong}");
    read(&of("400", found));
    refused(&of("401", found), ":3:1", &["the trace was edited"]);
}

#[test]
fn line_without_end_is_refused() {
    let text = format!("{HEADER}{}", "x".repeat(10_000));
    refused(&text, ":2:1", &["a line of more than 4096 bytes"]);
    refused(&format!("{HEADER}\u{fffd}\n"), ":2:1", &["record it again"]);
    let error = read_trace(&[HEADER.as_bytes(), b"\xff\n"].concat()[..], "bad.jsonl").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("bad.jsonl:2:1: this is not UTF-8"),
        "{error}"
    );
}

#[test]
fn more_tasks_than_a_recorder_writes_are_refused() {
    struct Endless(String, usize);
    impl std::io::Read for Endless {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let rest = &self.0.as_bytes()[self.1..];
            let count = rest.len().min(into.len());
            into[..count].copy_from_slice(&rest[..count]);
            self.1 = (self.1 + count) % self.0.len();
            Ok(count)
        }
    }
    let endless = std::io::Read::chain(HEADER.as_bytes(), Endless(recorded(1, 1, 0, 0), 0));
    let error = read_trace(std::io::BufReader::new(endless), "long.jsonl").unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("more than 1_000_000 tasks; record for a shorter time"),
        "{error}"
    );
}
