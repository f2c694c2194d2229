//! The handle of a running child.

mod support;

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use effective_child_process::{Command, Error, Excess, Input, Many, Output, Signal, Stream};
use futures::executor::block_on;
use support::mark::Mark;
use support::temp_dir::TempDir;
use support::{eventually, sh, wait_for_zombie, with_enough_time, within};

const LIMIT: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(30);

#[test]
fn result_is_returned_once_and_status_stays_known() {
    within(LIMIT, || {
        let mut child = sh("read line; exit 6").stdin(Input::Pipe).spawn().unwrap();
        assert!(child.id() > 0);
        assert_eq!(child.try_wait().unwrap(), None);
        assert_eq!(child.wait_timeout(SHORT).unwrap(), None);
        child.close_stdin();
        assert_eq!(child.wait().unwrap().code(), Some(6));
        assert_eq!(child.try_wait().unwrap().unwrap().code(), Some(6));
        let finished = child.finish_timeout(LIMIT).unwrap().unwrap();
        assert_eq!(finished.status.code(), Some(6));
        assert_eq!(
            child.wait().unwrap().code(),
            Some(6),
            "the status stays known"
        );
        assert!(matches!(child.finish(), Err(Error::Collected { .. })));
    });
}

#[test]
fn wait_reads_output_beyond_a_full_pipe() {
    within(LIMIT, || {
        let mut child = sh("head -c 1000000 /dev/zero").spawn().unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(child.finish().unwrap().stdout.len(), 1_000_000);
    });
}

#[test]
fn finish_timeout_keeps_output_for_the_next_call() {
    within(LIMIT, || {
        let mut child = sh("cat; echo end").stdin(Input::Pipe).spawn().unwrap();
        for word in ["one ", "two ", "three "] {
            child.write(word).unwrap();
            assert!(child.finish_timeout(SHORT).unwrap().is_none());
        }
        child.close_stdin();
        assert_eq!(child.finish().unwrap().stdout, b"one two three end\n");
    });
}

#[test]
fn write_reads_output_while_pipes_are_full() {
    within(LIMIT, || {
        let mut child = Command::new("cat").stdin(Input::Pipe).spawn().unwrap();
        for _ in 0..8 {
            child.write(vec![b'x'; 1 << 20]).unwrap();
        }
        child.close_stdin();
        assert_eq!(child.finish().unwrap().stdout.len(), 8 << 20);
    });
}

#[test]
fn write_times_out_or_reports_closed_stdin() {
    within(LIMIT, || {
        let mut child = sh("sleep 60").stdin(Input::Pipe).spawn().unwrap();
        assert!(!child.write_timeout(vec![0; 1 << 20], SHORT).unwrap());
        let mut child = sh("exit 0").stdin(Input::Pipe).spawn().unwrap();
        child.wait().unwrap();
        assert!(matches!(
            child.write("late"),
            Err(Error::StdinClosed { .. })
        ));
        let mut child = sh("sleep 60").spawn().unwrap();
        assert!(matches!(
            child.write("no pipe"),
            Err(Error::StdinClosed { .. })
        ));
    });
}

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
fn signals_reach_child_and_tree() {
    within(LIMIT, || {
        let mut child =
            sh("trap 'echo usr; exit 3' USR1; echo ready; while :; do sleep 0.01; done")
                .spawn()
                .unwrap();
        assert_eq!(child.next_line(LIMIT).unwrap().unwrap().text(), "ready");
        child.signal(Signal::User1).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(3));
        assert!(child.signal(Signal::Terminate).is_err() || child.wait().is_ok());

        let mark = Mark::new();
        let mut child = mark
            .on(sh("setsid sleep 60 & sleep 60 & wait; wait; :"))
            .spawn()
            .unwrap();
        mark.wait_for(3);
        child.signal_tree(Signal::Interrupt);
        child.signal_tree(Signal::Terminate);
        mark.wait_for(0);
    });
}

#[test]
fn terminate_grants_grace_time_and_kill_does_not() {
    within(LIMIT, || {
        let polite = sh("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done");
        let mut child = polite.spawn().unwrap();
        child.next_line(LIMIT).unwrap();
        child.terminate();
        assert_eq!(child.finish().unwrap().status.code(), Some(7));

        let mut child = polite.spawn().unwrap();
        child.next_line(LIMIT).unwrap();
        assert_eq!(child.kill().unwrap().status.signal(), Some(9));
    });
}

#[test]
fn detached_child_runs_on_and_is_reaped() {
    within(LIMIT, || {
        let mark = Mark::new();
        let dir = TempDir::new();
        let gate = dir.path().join("gate");
        fs::write(&gate, "").unwrap();
        let waits = "head -c 1000000 /dev/zero; while [ -e $1 ]; do sleep 0.01; done; echo late";
        let child = mark
            .on(sh(waits).arg("-").arg(&gate))
            .time_limit(SHORT)
            .spawn()
            .unwrap();
        let id = child.id();
        child.detach();
        thread::sleep(Duration::from_millis(100));
        assert!(!mark.living().is_empty(), "neither killed nor timed out");
        fs::remove_file(gate).unwrap();
        eventually("it is reaped", || {
            !fs::exists(format!("/proc/{id}")).unwrap()
        });
    });
}

#[test]
fn lost_status_is_an_error_and_signals_no_reused_id() {
    within(LIMIT, || {
        let mark = Mark::new();
        let mut child = mark.on(sh("sleep 60 & echo out; exit 0")).spawn().unwrap();
        let id = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
        // Like a library that waits for every child.
        rustix::process::waitpid(Some(id), rustix::process::WaitOptions::empty()).unwrap();
        let start = Instant::now();
        let error = child.wait().unwrap_err();
        assert!(matches!(error, Error::StatusLost { .. }), "{error}");
        let error = child.kill().unwrap_err();
        let Error::StatusLost { stdout, .. } = &error else {
            panic!("{error}");
        };
        assert!(stdout.is_empty() || stdout == b"out\n");
        assert!(start.elapsed() < Duration::from_secs(20));
        assert_eq!(mark.living().len(), 1, "its id may be reused now");
        mark.kill_all();
    });
}

#[test]
fn try_wait_at_the_moment_of_exit_loses_nothing() {
    within(LIMIT, || {
        for _ in 0..100 {
            let silent = Command::new("true")
                .stdout(Output::Null)
                .stderr(Output::Null);
            let mut child = silent.spawn().unwrap();
            while child.try_wait().unwrap().is_none() {}
            assert!(child.finish().unwrap().success());
        }
    });
}

#[test]
fn calls_that_wait_for_the_end_close_stdin() {
    within(LIMIT, || {
        let cat = Command::new("cat").stdin(Input::Pipe);
        assert!(cat.run().unwrap().success());
        assert!(cat.run_lines(drop).unwrap().success());
        let mut child = cat.spawn().unwrap();
        child.write("said").unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(child.finish().unwrap().stdout, b"said");
        let mut child = cat.spawn().unwrap();
        child.write("said").unwrap();
        assert_eq!(child.finish().unwrap().stdout, b"said");
        assert!(Many::new().map([cat.clone()])[0].is_ok());
        assert!(cat.clone().pipe(cat.clone()).run().check().is_ok());
        assert!(block_on(cat.run_async()).is_ok());
        assert!(block_on(cat.spawn().unwrap().finish_async()).is_ok());
    });
}

#[test]
fn output_limit_holds_for_child_that_ended_unwatched() {
    within(LIMIT, || {
        let capped = Command::new("printf")
            .arg("123456")
            .capture_at_most(5, Excess::Fail);
        let child = capped.spawn().unwrap();
        wait_for_zombie(child.id());
        let error = child.finish().unwrap_err();
        assert!(matches!(error, Error::TooMuchOutput { .. }), "{error}");
        assert_eq!(error.into_finished().unwrap().stdout, b"12345");
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
