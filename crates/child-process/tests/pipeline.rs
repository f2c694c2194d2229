//! Pipelines.

mod support;

use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

use effective_child_process::{Command, Error};
use futures::executor::block_on;
use support::mark::Mark;
use support::temp_dir::TempDir;
use support::{sh, with_enough_time, within};

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn pipeline_passes_data_and_reports_every_status() {
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
fn stage_that_cannot_start_kills_the_others() {
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
fn time_limit_ends_all_stages() {
    within(LIMIT, || {
        let mark = Mark::new();
        let deaf = mark
            .on(sh("trap '' TERM; sleep 60; sleep 61"))
            .grace(Duration::from_millis(50));
        let piped = deaf
            .clone()
            .pipe(deaf.clone())
            .pipe(deaf)
            .time_limit(Duration::from_millis(200))
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
fn sigpipe_is_a_failure_while_the_next_stage_reads() {
    within(LIMIT, || {
        for _ in 0..20 {
            // As if it wrote to some other closed pipe.
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
fn sigpipe_is_no_failure_once_the_next_stage_has_closed() {
    within(LIMIT, || {
        for (last, output) in [
            ("head -n 2", "y\ny\n"),
            ("head -n 1; exec <&-; sleep 0.2", "y\n"),
            ("exec <&-", ""),
        ] {
            let piped = Command::new("yes").pipe(sh(last)).run();
            assert_eq!(piped.statuses()[0].unwrap().signal(), Some(13));
            assert_eq!(piped.check().unwrap().stdout, output.as_bytes());
        }
        // The last stage has no reader, so there it is a failure.
        let piped = Command::new("true").pipe(sh("kill -PIPE $$")).run();
        assert!(matches!(piped.check(), Err(Error::Failed(_))));
    });
}

#[test]
fn next_stage_reads_eof_when_stage_closes_its_output() {
    within(LIMIT, || {
        let dir = TempDir::new();
        // The first stage runs until the next one has read to the end.
        let first = sh("echo text; exec >&-; until [ -e $0/read ]; do sleep 0.01; done");
        let next = sh("cat; touch $0/read").arg(dir.path());
        let piped = first.arg(dir.path()).pipe(next).time_limit(LIMIT / 2).run();
        assert_eq!(piped.check().unwrap().stdout, b"text\n");
    });
}

#[test]
fn next_stage_waits_for_background_writer() {
    within(LIMIT, || {
        let mark = Mark::new();
        let first = mark.on(sh("echo text; sleep 60 & exit 0"));
        let piped = with_enough_time(
            Duration::from_millis(500),
            |limit| {
                let pipeline = first.clone().pipe(Command::new("cat"));
                let piped = pipeline.time_limit(limit).run();
                mark.kill_all();
                piped
            },
            |piped| piped.stages[0].is_ok(),
        );
        assert!(piped.stages[0].as_ref().unwrap().success());
        // The drain time applies to captured output only.
        let Err(Error::TimedOut { finished, .. }) = &piped.stages[1] else {
            panic!("{piped:?}");
        };
        assert_eq!(finished.stdout, b"text\n");
    });
}
