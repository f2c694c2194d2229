//! A program that adopts its orphans. One test to the file, since this holds for the whole program.

mod support;

use std::time::Duration;

use child_process::Command;
use support::{Holdings, Mark, eventually, sh, within};

const SHORT: Duration = Duration::from_millis(200);

/// A session of its own, left by its parent before anybody looks: what a daemon does.
const ORPHAN: &str = "setsid sh -c 'setsid sh -c \"trap : TERM; sleep 61; sleep 62; :\" & exit 0'";

#[test]
fn what_was_orphaned_on_purpose_is_ended_and_reaped_as_well() {
    within(Duration::from_secs(100), || {
        let mark = Mark::new();
        let stays = mark
            .on(sh(&format!("{ORPHAN}; echo left; sleep 63; :")))
            .timeout(SHORT);

        // Not without being asked.
        let error = stays.run().unwrap_err();
        assert_eq!(error.into_finished().unwrap().stdout, b"left\n");
        assert!(!mark.living().is_empty());
        mark.clean_up();

        child_process::adopt_orphans().unwrap();
        let before = Holdings::now();
        for _ in 0..3 {
            let error = stays.clone().grace(SHORT).run().unwrap_err();
            assert_eq!(error.into_finished().unwrap().stdout, b"left\n");
            assert_eq!(mark.living(), [0; 0]);
            before.are_back();
        }

        // One that is left to run is left alone, and reaped when it has ended.
        let daemon = mark.on(sh("setsid sleep 60 >/dev/null 2>&1 & exit 0"));
        assert!(daemon.run().unwrap().success());
        assert_eq!(mark.living().len(), 1);
        mark.clean_up();
        assert!(Command::new("true").run().unwrap().success());
        before.are_back();

        // One that has ended, whose parent never asks, and comes to this program with its parent's end.
        let careless = mark.on(sh(
            "setsid sh -c 'sleep 0.4 & exec sleep 1.2' >/dev/null 2>&1 & sleep 0.2",
        ));
        assert!(careless.run().unwrap().success());
        mark.wait_for(1);
        assert!(Command::new("true").run().unwrap().success());
        mark.wait_for(0);
        eventually("both are reaped", || {
            assert!(Command::new("true").run().unwrap().success());
            Holdings::now().children <= before.children
        });
    });
}
