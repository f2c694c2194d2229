//! A program that adopts its orphans. Adoption holds for the whole program, so these tests have
//! their own program and run one at a time.

mod support;

use std::fs;
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use effective_child_process::Command;
use support::{Holdings, Mark, eventually, sh, time_out_after, within};

const SHORT: Duration = Duration::from_millis(200);

/// A session of its own, left by its parent before anybody looks: what a daemon does.
const ORPHAN: &str = "setsid sh -c 'setsid sh -c \"trap : TERM; sleep 61; sleep 62; :\" & exit 0'";

/// Script that waits until its background process has a session of its own and has executed its
/// program. On a busy machine that takes a while, and a process in the middle of an `execve` bears
/// no mark.
const IN_PLACE: &str = "until read -r _ _ _ _ _ session _ < /proc/$!/stat && [ $session = $! ]; do sleep 0.01; done; sleep 0.3";

/// Script that waits, in a daemon, until its parent is reaped, which is after the last look.
const LEFT: &str = "while kill -0 $PPID; do sleep 0.02; done";

/// A script that leaves a daemon behind.
fn leaves(daemon: &str) -> Command {
    sh(&format!("setsid {daemon} >/dev/null 2>&1 & {IN_PLACE}"))
}

/// Runs a test in a program that adopts, while no other test of this file has children.
fn adopting(test: impl FnOnce() + Send + 'static) {
    static TURN: Mutex<()> = Mutex::new(());
    static ADOPTED: Once = Once::new();
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    within(Duration::from_secs(100), || {
        ADOPTED.call_once(|| {
            orphans_survive_where_nobody_adopts();
            effective_child_process::adopt_orphans().unwrap();
        });
        test();
    });
}

fn orphans_survive_where_nobody_adopts() {
    let mark = Mark::new();
    let stays = mark.on(sh(&format!("{ORPHAN}; echo left; sleep 63; :")));
    let stays = stays.grace(Duration::ZERO);
    time_out_after(b"left\n", SHORT, &stays);
    assert!(!mark.living().is_empty());
    mark.clean_up();
}

/// The children of this program, as `/proc/PID/stat` has them.
fn children() -> Vec<String> {
    let own = std::process::id().to_string();
    fs::read_dir("/proc")
        .expect("/proc")
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok())
        .filter(|stat| {
            stat.rsplit_once(") ")
                .is_some_and(|(_, rest)| rest[2..].starts_with(&own))
        })
        .collect()
}

/// Asserts that starting any child reaps all left processes that have ended.
#[track_caller]
fn all_are_reaped(before: Holdings) {
    let patience = Instant::now() + Duration::from_secs(30);
    loop {
        assert!(Command::new("true").run().unwrap().success());
        let now = Holdings::now().children;
        if now <= before.children {
            return;
        }
        assert!(
            Instant::now() < patience,
            "{now} children: {:?}",
            children()
        );
    }
}

#[test]
fn orphans_are_ended_and_reaped_with_their_tree() {
    adopting(|| {
        let mark = Mark::new();
        let stays = mark
            .on(sh(&format!("{ORPHAN}; echo left; sleep 63; :")))
            .grace(SHORT);
        let before = Holdings::now();
        for _ in 0..3 {
            time_out_after(b"left\n", SHORT, &stays);
            assert_eq!(mark.living(), [0; 0]);
            eventually("descriptors and children are back", || {
                let now = Holdings::now();
                now.descriptors <= before.descriptors && now.children <= before.children
            });
        }
    });
}

#[test]
fn a_daemon_is_left_alone_and_reaped_when_it_has_ended() {
    adopting(|| {
        let mark = Mark::new();
        let before = Holdings::now();
        let daemon = mark.on(leaves("sleep 60"));
        assert!(daemon.run().unwrap().success());
        mark.wait_for(1);
        mark.clean_up();
        all_are_reaped(before);
    });
}

/// Waits until `command` is the only living process with this mark.
#[track_caller]
fn only(mark: &Mark, command: &[u8]) {
    eventually("a daemon with no company", || {
        let living = mark.living();
        living.len() == 1
            && fs::read(format!("/proc/{}/cmdline", living[0])).is_ok_and(|line| line == command)
    });
}

#[test]
fn a_zombie_that_a_left_parent_never_reaps_is_reaped() {
    adopting(|| {
        let mark = Mark::new();
        let before = Holdings::now();
        // It is alive when the first child ends, and has ended by the time its parent does.
        let careless = leaves("sh -c 'sleep 1 & exec sleep 67'");
        assert!(mark.on(careless).run().unwrap().success());
        only(&mark, b"sleep\x0067\0");
        mark.clean_up();
        all_are_reaped(before);
    });
}

#[test]
fn a_zombie_that_was_dead_at_the_last_look_is_reaped() {
    adopting(|| {
        let mark = Mark::new();
        let before = Holdings::now();
        let careless = leaves("sh -c 'sleep 0 & exec sleep 67'");
        assert!(mark.on(careless).run().unwrap().success());
        only(&mark, b"sleep\x0067\0");
        mark.clean_up();
        all_are_reaped(before);
    });
}

#[test]
fn a_zombie_of_a_killed_careless_parent_is_reaped() {
    adopting(|| {
        let mark = Mark::new();
        let before = Holdings::now();
        let careless = "sh -c 'sleep 0 & exec sleep 64' & sleep 0.2; echo left; sleep 65";
        let careless = mark.on(sh(careless)).grace(Duration::ZERO);
        time_out_after(b"left\n", SHORT, &careless);
        mark.wait_for(0);
        all_are_reaped(before);
    });
}

#[test]
fn a_process_born_in_a_daemon_after_the_last_look_is_reaped() {
    adopting(|| {
        let mark = Mark::new();
        let before = Holdings::now();
        // The daemon starts a child after it was left, does not wait for it, and ends after it.
        let daemon = leaves(&format!("sh -c '{LEFT}; sleep 0 & exec sleep 67'"));
        assert!(mark.on(daemon).run().unwrap().success());
        only(&mark, b"sleep\x0067\0");
        mark.clean_up();
        all_are_reaped(before);
    });
}

#[test]
fn an_orphan_born_in_a_session_after_the_last_look_is_reaped() {
    adopting(|| {
        let mark = Mark::new();
        let before = Holdings::now();
        // It leaves the daemon's session after the last look, and is still there when the next
        // child ends.
        let daemon = leaves(&format!("sh -c '{LEFT}; setsid sleep 66 & exit 0'"));
        assert!(mark.on(daemon).run().unwrap().success());
        only(&mark, b"sleep\x0066\0");
        assert!(Command::new("true").run().unwrap().success());
        mark.clean_up();
        all_are_reaped(before);
    });
}

#[test]
fn adoption_leaves_children_of_the_standard_library_alone() {
    adopting(|| {
        let before = Holdings::now();
        let spawn = |script| {
            std::process::Command::new("sh")
                .args(["-c", script])
                .spawn()
        };
        let mut ended = spawn("exit 7").unwrap();
        let mut runs = spawn("sleep 0.5; exit 8").unwrap();
        eventually("the first has ended", || {
            fs::read_to_string(format!("/proc/{}/stat", ended.id()))
                .is_ok_and(|stat| stat.contains(") Z "))
        });
        for _ in 0..5 {
            assert!(Command::new("true").run().unwrap().success());
        }
        assert_eq!(runs.wait().unwrap().code(), Some(8));
        assert_eq!(ended.wait().unwrap().code(), Some(7));
        assert_eq!(Holdings::now().children, before.children);
    });
}
