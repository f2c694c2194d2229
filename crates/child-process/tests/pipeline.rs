//! Children of which each reads what the one before it writes.

mod support;

use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

use effective_child_process::{Command, Error};
use futures::executor::block_on;
use support::{Mark, sh, within};

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn much_goes_through_and_every_status_is_known() {
    within(LIMIT, || {
        let piped = Command::new("cat")
            .input(vec![b'x'; 20 << 20])
            .pipe(sh("cat; echo beside >&2; exit 3"))
            .pipe(sh("wc -c; exit 0"))
            .run();
        let codes: Vec<_> = piped
            .statuses()
            .iter()
            .map(|status| status.unwrap().code())
            .collect();
        assert_eq!(codes, [Some(0), Some(3), Some(0)]);
        let last = piped.stages[2].as_ref().unwrap();
        assert_eq!(last.stdout_text().unwrap().trim(), (20 << 20).to_string());
        assert_eq!(piped.stages[1].as_ref().unwrap().stderr, b"beside\n");
        let error = piped.check().unwrap_err().to_string();
        assert!(
            error.contains("exit status: 3") && error.contains("beside"),
            "{error}"
        );
    });
}

#[test]
fn who_is_cut_off_because_enough_was_read_has_not_failed() {
    within(LIMIT, || {
        let piped = Command::new("yes")
            .pipe(Command::new("head").args(["-n", "2"]))
            .run();
        assert_eq!(piped.statuses()[0].unwrap().signal(), Some(13));
        assert_eq!(piped.check().unwrap().stdout, b"y\ny\n");
    });
}

#[test]
fn one_that_cannot_be_started_ends_the_others() {
    within(LIMIT, || {
        let mark = Mark::new();
        let start = Instant::now();
        let piped = mark
            .on(sh("sleep 60; :"))
            .pipe(Command::new("no-such-program-anywhere"))
            .pipe(mark.on(sh("cat")))
            .run();
        assert!(start.elapsed() < Duration::from_secs(20));
        assert_eq!(piped.stages[0].as_ref().unwrap().status.signal(), Some(9));
        assert!(matches!(piped.stages[1], Err(Error::Start { .. })));
        let beside = piped.stages[2].as_ref().unwrap_err();
        assert!(!beside.is_timeout(), "{beside}");
        assert!(beside.to_string().contains("another stage"), "{beside}");
        assert_eq!(mark.living(), [0; 0]);
        assert!(matches!(piped.check(), Err(Error::Start { .. })));
    });
}

#[test]
fn the_time_limit_ends_all_stages() {
    within(LIMIT, || {
        let mark = Mark::new();
        let deaf = mark
            .on(sh("trap '' TERM; sleep 60; sleep 61"))
            .grace(Duration::from_millis(50));
        let piped = deaf
            .clone()
            .pipe(deaf.clone())
            .pipe(deaf)
            .timeout(Duration::from_millis(200))
            .run();
        assert!(
            piped
                .stages
                .iter()
                .all(|stage| matches!(stage, Err(Error::TimedOut { .. })))
        );
        assert_eq!(mark.living(), [0; 0]);
        assert!(piped.check().unwrap_err().is_timeout());
    });
}

#[test]
fn stage_ended_by_sigpipe_while_the_next_reads_has_failed() {
    within(LIMIT, || {
        for _ in 0..20 {
            // It writes to something else that was closed.
            let producer = sh("echo record 1; kill -PIPE $$; echo record 2");
            let piped = producer.clone().pipe(Command::new("cat")).run();
            assert_eq!(piped.statuses()[0].unwrap().signal(), Some(13));
            let error = piped.check().unwrap_err();
            assert!(matches!(error, Error::Failed(_)), "{error}");
            let piped = block_on(producer.pipe(sh("cat; sleep 0.01")).run_async());
            assert!(matches!(piped.check(), Err(Error::Failed(_))));
        }
    });
}

#[test]
fn stage_cut_short_has_not_failed_if_the_next_closed_its_input() {
    within(LIMIT, || {
        for last in ["head -n 2", "head -n 1; exec <&-; sleep 0.2", "exec <&-"] {
            let piped = Command::new("yes").pipe(sh(last)).run();
            assert_eq!(piped.statuses()[0].unwrap().signal(), Some(13));
            assert!(piped.check().unwrap().success());
        }
        // The last stage has no next one.
        let piped = Command::new("true").pipe(sh("kill -PIPE $$")).run();
        assert!(matches!(piped.check(), Err(Error::Failed(_))));
    });
}

#[test]
fn next_stage_sees_end_of_input_when_the_output_is_closed() {
    within(LIMIT, || {
        let folder = sh("mktemp -d").read().unwrap();
        // It goes on until the next stage has read to the end.
        let first = sh("echo text; exec >&-; until [ -e $0/read ]; do sleep 0.01; done");
        let next = sh("cat; touch $0/read").arg(&folder);
        let piped = first.arg(&folder).pipe(next).timeout(LIMIT / 2).run();
        assert_eq!(piped.check().unwrap().stdout, b"text\n");
        std::fs::remove_dir_all(folder).unwrap();
    });
}

#[test]
fn background_process_that_holds_the_pipe_is_waited_for() {
    within(LIMIT, || {
        let mark = Mark::new();
        let first = mark.on(sh("echo text; sleep 60 & exit 0"));
        let piped = first
            .pipe(Command::new("cat"))
            .timeout(Duration::from_millis(500))
            .run();
        // As `Pipeline` says: the drain time holds only for output that is captured.
        let Err(Error::TimedOut { finished, .. }) = &piped.stages[1] else {
            panic!("{piped:?}");
        };
        assert_eq!(finished.stdout, b"text\n");
        assert!(piped.stages[0].as_ref().unwrap().success());
        mark.clean_up();
    });
}
