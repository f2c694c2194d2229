//! Children of which each reads what the one before it writes.

mod support;

use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

use child_process::{Command, Error};
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
