//! The handle of a running child.

mod support;

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::thread;
use std::time::{Duration, Instant};

use effective_child_process::{Command, Error, Excess, Input, Many, Output, Signal};
use futures::executor::block_on;
use support::mark::Mark;
use support::temp_dir::TempDir;
use support::{eventually, sh, wait_for_zombie, within};

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
