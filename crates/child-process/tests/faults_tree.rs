//! The numbered faults of process trees, with real processes. The tests run one at a time, since
//! they count what the program holds.

mod support;

use std::fs;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use effective_child_process::{Error, Input};
use support::fault::{SECOND, fault};
use support::mark::Mark;
use support::{eventually, sh, state_and_parent, time_out_after, wait_for_zombie};

/// Three generations that ignore `SIGTERM`. The last one reports that all are running.
const IGNORES_SIGTERM: &str =
    r#"trap "" TERM; sh -c 'sh -c "echo all here; sleep 61; sleep 62"; sleep 63'; sleep 64"#;

#[test]
fn fault_35_time_limit_kills_tree_that_ignores_sigterm() {
    fault(3, 60 * SECOND, || {
        let mark = Mark::new();
        let command = mark
            .on(sh(IGNORES_SIGTERM))
            .grace(Duration::from_millis(100));
        let error = time_out_after(b"all here\n", Duration::from_millis(400), &command);
        let Error::TimedOut { limit, finished } = error else {
            panic!("{error}");
        };
        assert!(limit >= Duration::from_millis(400));
        assert_eq!(finished.stdout, b"all here\n");
        assert!(finished.took >= limit + Duration::from_millis(100));
        assert!(finished.took < limit + 20 * SECOND);
        assert!(mark.living().is_empty(), "{:?}", mark.living());
    });
}

#[test]
fn fault_35_sigterm_handler_has_the_grace_time() {
    fault(3, 60 * SECOND, || {
        let tidy = "trap 'echo tidied; exit 5' TERM; echo ready; while :; do sleep 0.01; done";
        let tidy = sh(tidy).grace(30 * SECOND);
        let error = time_out_after(b"ready\n", Duration::from_millis(300), &tidy);
        let finished = error.into_finished().expect("it has a result");
        assert_eq!(finished.stdout, b"ready\ntidied\n");
        assert_eq!(finished.status.code(), Some(5));
        assert!(
            finished.took < 30 * SECOND,
            "the grace time ends with the child"
        );
    });
}

#[test]
fn fault_35_processes_outside_the_group_are_killed() {
    fault(3, 60 * SECOND, || {
        let mark = Mark::new();
        // A session of its own, and another one below it.
        let script = r#"setsid sh -c 'trap "" TERM; setsid sh -c "trap \"\" TERM; echo here; sleep 61; :"; sleep 62; :'; :"#;
        let left = mark.on(sh(script)).grace(Duration::from_millis(50));
        time_out_after(b"here\n", Duration::from_millis(400), &left);
        assert!(mark.living().is_empty(), "{:?}", mark.living());
    });
}

#[test]
fn fault_35_fork_bomb_is_killed_completely() {
    fault(3, 100 * SECOND, || {
        let mark = Mark::new();
        let script = "trap '' TERM; i=0; while [ $i -lt 4000 ]; do setsid sleep 30 & i=$((i+1)); done; sleep 30";
        let error = mark
            .on(sh(script))
            .time_limit(Duration::from_millis(150))
            .grace(Duration::ZERO)
            .run()
            .expect_err("it does not end");
        assert!(error.is_timeout(), "{error}");
        assert_eq!(mark.living(), [0; 0]);
    });
}

#[test]
fn fault_35_stopped_child_is_ended() {
    fault(3, 60 * SECOND, || {
        let mark = Mark::new();
        let error = mark
            .on(sh("kill -STOP $$"))
            .time_limit(Duration::from_millis(100))
            .grace(20 * SECOND)
            .run()
            .expect_err("it is stopped");
        let finished = error.into_finished().expect("a result");
        assert!(finished.took < 15 * SECOND, "SIGTERM reached it");
        assert!(mark.living().is_empty());
    });
}

#[test]
fn fault_37_group_is_killed_after_its_leader_died() {
    fault(3, 60 * SECOND, || {
        let mark = Mark::new();
        // Dropped, then killed, each time after the leader has ended.
        let script = "sh -c 'trap \"\" TERM; sleep 61; :' & exit 0";
        let mut child = mark
            .on(sh(script))
            .drain(600 * SECOND)
            .spawn()
            .expect("it starts");
        assert!(child.wait().expect("it ends").success());
        mark.wait_for(2);
        drop(child);
        assert!(mark.living().is_empty());

        let mut child = mark
            .on(sh(script))
            .drain(600 * SECOND)
            .spawn()
            .expect("it starts");
        assert!(child.wait().expect("it ends").success());
        mark.wait_for(2);
        assert!(
            child.kill().expect("it is over").success(),
            "its status is its own"
        );
        assert!(mark.living().is_empty());

        // SIGTERM ends only the leader; the others ignore it.
        let script = "(trap '' TERM; sleep 61; :) & wait";
        let error = mark
            .on(sh(script))
            .time_limit(Duration::from_millis(200))
            .grace(Duration::from_millis(50))
            .run()
            .expect_err("it does not end");
        assert!(error.is_timeout(), "{error}");
        assert!(mark.living().is_empty());
    });
}

#[test]
fn fault_37_leader_is_reaped_after_its_group_was_killed() {
    fault(20, 60 * SECOND, || {
        let mut child = sh("sleep 61 & exit 0")
            .drain(600 * SECOND)
            .spawn()
            .expect("it starts");
        child.wait().expect("it ends");
        // It is a zombie, so its id cannot be reused.
        let id = child.id();
        let state = state_and_parent(id).map(|(state, _)| state);
        assert_eq!(state, Some('Z'));
        drop(child);
        assert!(
            !fs::exists(format!("/proc/{id}")).expect("/proc"),
            "it is reaped after the drop"
        );
    });
}

#[test]
fn fault_38_no_descriptor_leaks_between_siblings() {
    fault(2, 100 * SECOND, || {
        const THREADS: usize = 8;
        // The descriptors that this program inherited, and those that a shell opens.
        const OPEN: &str = "ls /proc/$$/fd; read line; echo $line";
        let alone = sh(OPEN).input("end\n").read().expect("it runs");
        let together = Barrier::new(THREADS);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    together.wait();
                    let children: Vec<_> = (0..8)
                        .map(|_| sh(OPEN).stdin(Input::Pipe).spawn().expect("it starts"))
                        .collect();
                    for mut child in children {
                        child.write("end\n").expect("it reads");
                        let finished = child.finish().expect("it runs");
                        // An inherited pipe would be listed, and keep a sibling's stdin open.
                        let open = finished.stdout_text().expect("text").trim();
                        assert_eq!(open, alone);
                    }
                });
            }
        });
    });
}

#[test]
fn fault_38_two_hundred_dropped_children_leave_nothing() {
    fault(1, 100 * SECOND, || {
        for round in 0..200 {
            let child = sh("sleep 30").spawn().expect("it starts");
            if round % 4 == 0 {
                thread::sleep(Duration::from_micros(500));
            }
            drop(child);
        }
        let mark = Mark::new();
        let child = mark
            .on(sh("sleep 30 & setsid sleep 31 & wait"))
            .spawn()
            .expect("it starts");
        mark.wait_for(3);
        drop(child);
        eventually("no process is left", || mark.living().is_empty());
    });
}

#[test]
fn fault_37_drop_of_ended_child_does_not_block() {
    fault(20, 60 * SECOND, || {
        let child = sh("exit 0").spawn().expect("it starts");
        wait_for_zombie(child.id());
        drop(child);
    });
}
