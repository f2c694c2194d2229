//! The lines of a running child's output.

mod support;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use effective_child_process::{Command, Error, Excess, Input, Stream};
use support::mark::Mark;
use support::temp_dir::TempDir;
use support::{eventually, sh, with_enough_time, within};

const LIMIT: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(30);

#[test]
fn lines_arrive_while_child_runs() {
    within(LIMIT, || {
        let mut child = sh("echo one; read x; echo got $x >&2; printf last; exit 2")
            .stdin(Input::Pipe)
            .spawn()
            .unwrap();
        let first = child.lines().next().unwrap();
        assert_eq!((first.stream, &*first.text()), (Stream::Stdout, "one"));
        assert!(
            child.next_line(SHORT).unwrap().is_none(),
            "it waits for input"
        );
        child.write("it\n").unwrap();
        let rest: Vec<_> = child
            .lines()
            .map(|line| (line.stream, line.bytes))
            .collect();
        assert!(
            rest.contains(&(Stream::Stderr, b"got it".to_vec())),
            "{rest:?}"
        );
        assert!(
            rest.contains(&(Stream::Stdout, b"last".to_vec())),
            "{rest:?}"
        );
        assert!(matches!(
            child.next_line(SHORT),
            Err(Error::Collected { .. })
        ));
        let finished = child.finish().unwrap();
        assert_eq!(
            (finished.status.code(), finished.stdout.len()),
            (Some(2), 0)
        );
    });
}

#[test]
fn finish_returns_output_not_read_as_lines() {
    within(LIMIT, || {
        let mut child = sh("yes | head -n 1000000").spawn().unwrap();
        assert_eq!(child.lines().take(3).count(), 3);
        let rest = child.finish().unwrap();
        assert_eq!(rest.stdout.len(), 2 * (1_000_000 - 3));
    });
}

#[test]
fn reading_many_lines_takes_linear_time() {
    within(LIMIT, || {
        let mut lines = 0;
        let finished = sh("seq 300000; exit 1").run_lines(|line| {
            lines += 1;
            assert_eq!(line.text(), lines.to_string());
        });
        assert_eq!((lines, finished.unwrap().status.code()), (300_000, Some(1)));
    });
}

#[test]
fn time_limit_holds_while_lines_are_read() {
    within(LIMIT, || {
        let command = sh("echo one; sleep 60");
        let seen = with_enough_time(
            SHORT,
            |limit| {
                let mut seen = 0;
                let command = command.clone().time_limit(limit);
                let error = command.run_lines(|_| seen += 1).unwrap_err();
                assert!(matches!(error, Error::TimedOut { .. }), "{error}");
                seen
            },
            |seen| *seen > 0,
        );
        assert_eq!(seen, 1);
        let command = command.time_limit(SHORT);
        let mut child = command.spawn().unwrap();
        assert!(child.wait().unwrap_err().is_timeout());
    });
}

#[test]
fn panic_in_line_callback_kills_tree_and_propagates() {
    within(LIMIT, || {
        let mark = Mark::new();
        let command = mark.on(sh("echo one; sleep 60; :"));
        let panic = catch_unwind(AssertUnwindSafe(|| command.run_lines(|_| panic!("mine"))));
        assert!(panic.is_err());
        assert_eq!(mark.living(), [0; 0]);
    });
}

#[test]
fn lines_do_not_count_towards_output_limit() {
    within(LIMIT, || {
        for excess in [Excess::Truncate, Excess::Fail] {
            let mut lines = 0;
            let finished = sh("seq 100000")
                .capture_at_most(100, excess)
                .run_lines(|line| {
                    lines += 1;
                    assert_eq!(line.text(), lines.to_string());
                });
            assert_eq!((lines, finished.unwrap().stdout_dropped), (100_000, 0));
        }
        // Lines that are not read do count.
        let mut child = sh("seq 100000")
            .capture_at_most(10, Excess::Truncate)
            .spawn()
            .unwrap();
        assert_eq!(child.lines().next().unwrap().text(), "1");
        let rest = child.finish().unwrap();
        assert_eq!(rest.stdout, b"2\n3\n4\n5\n6\n");
        assert_eq!(rest.stdout_dropped, 588_895 - 2 - 10);
    });
}

#[test]
fn lines_after_discarded_output_are_not_returned() {
    within(LIMIT, || {
        let dir = TempDir::new();
        let written = dir.path().join("written");
        let script = "echo one; echo two; touch $0; read x; echo three; echo four";
        let mut child = sh(script)
            .arg(&written)
            .stdin(Input::Pipe)
            .capture_at_most(6, Excess::Truncate)
            .spawn()
            .unwrap();
        eventually("two lines are written", || fs::exists(&written).unwrap());
        // Reads them as captured output.
        assert!(child.finish_timeout(SHORT).unwrap().is_none());
        let mut lines: Vec<_> = child.lines().take(1).collect();
        child.write("go\n").unwrap();
        lines.extend(child.lines());
        let lines: Vec<_> = lines.iter().map(|line| line.text().into_owned()).collect();
        assert_eq!(lines, ["one", "tw"]);
        assert_eq!(child.finish().unwrap().stdout_dropped, 2 + 6 + 5);
    });
}

#[test]
fn overlong_line_is_marked_and_keeps_its_characters() {
    within(LIMIT, || {
        const CHARACTERS: usize = 2_000_000;
        let euros = format!("yes € | head -n {CHARACTERS} | tr -d '\\n'; echo; echo short");
        let (mut line, mut lines, mut pieces) = (String::new(), Vec::new(), 0);
        let finished = sh(&euros).run_lines(|piece| {
            pieces += 1;
            line.push_str(&piece.text());
            if !piece.continues {
                lines.push(std::mem::take(&mut line));
            }
        });
        assert!(finished.unwrap().success());
        assert!(pieces > 2, "{pieces}");
        assert_eq!(lines.len(), 2);
        assert!(lines[0].chars().all(|character| character == '€'));
        assert_eq!(lines[0].chars().count(), CHARACTERS);
        assert_eq!(lines[1], "short");
    });
}

#[test]
fn carriage_return_is_part_of_its_line() {
    within(LIMIT, || {
        let mut lines = Vec::new();
        let output = Command::new("printf").arg(r"10%%\r20%%\r\nend\r\n");
        output.run_lines(|line| lines.push(line.bytes)).unwrap();
        assert_eq!(lines, [&b"10%\r20%\r"[..], b"end\r"]);
    });
}
