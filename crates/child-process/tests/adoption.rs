//! A program that adopts its orphans. Adoption affects the whole program, so these tests have a
//! program of their own and run one at a time.

mod support;

use std::fs;
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use effective_child_process::Command;
use support::holdings::Holdings;
use support::mark::Mark;
use support::{all_processes, eventually, sh, state_and_parent, time_out_after};
use support::{wait_for_zombie, within};

const SHORT: Duration = Duration::from_millis(200);

/// A process in a session of its own whose parent ends before the first search, like a daemon.
const ORPHAN: &str = "setsid sh -c 'setsid sh -c \"trap : TERM; sleep 61; sleep 62; :\" & exit 0'";

/// A script that waits until its background process, started by `setsid`, has a session of its own
/// and has executed its program. In the middle of that `execve` the process has no mark, and its
/// name may change a moment before it has one.
const IN_PLACE: &str = "until read -r _ name _ _ _ session _ < /proc/$!/stat \
    && [ $session = $! ] && [ \"$name\" != '(setsid)' ]; do sleep 0.01; done; sleep 0.3";

/// A script that waits, in a daemon, until its parent is reaped, which is after the last search.
const PARENT_REAPED: &str = "while kill -0 $PPID; do sleep 0.02; done";

/// A script that leaves a daemon in the background.
fn leaves(daemon: &str) -> Command {
    sh(&format!("setsid {daemon} >/dev/null 2>&1 & {IN_PLACE}"))
}

/// Runs a test in a program that adopts orphans, while no other test of this file has children.
fn adopting(test: impl FnOnce() + Send + 'static) {
    static ALONE: Mutex<()> = Mutex::new(());
    static ADOPTED: Once = Once::new();
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    within(Duration::from_secs(100), || {
        ADOPTED.call_once(|| {
            assert_orphans_survive_without_adoption();
            effective_child_process::adopt_orphans().unwrap();
        });
        test();
    });
}

fn assert_orphans_survive_without_adoption() {
    let mark = Mark::new();
    let stays = mark.on(sh(&format!("{ORPHAN}; echo left; sleep 63; :")));
    let stays = stays.grace(Duration::ZERO);
    time_out_after(b"left\n", SHORT, &stays);
    assert!(!mark.living().is_empty());
    mark.kill_all();
}

/// The children of this program, with their states.
fn children() -> Vec<(u32, char)> {
    all_processes()
        .filter_map(|id| Some((id, state_and_parent(id)?)))
        .filter(|(_, (_, parent))| *parent == std::process::id())
        .map(|(id, (state, _))| (id, state))
        .collect()
}

/// Asserts that starting any child reaps all background processes that have ended.
#[track_caller]
fn assert_all_are_reaped(before: Holdings) {
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
fn orphans_are_killed_and_reaped_with_their_tree() {
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
fn daemon_keeps_running_and_is_reaped_after_its_end() {
    adopting(|| {
        let mark = Mark::new();
        let before = Holdings::now();
        let daemon = mark.on(leaves("sleep 60"));
        assert!(daemon.run().unwrap().success());
        mark.wait_for(1);
        mark.kill_all();
        assert_all_are_reaped(before);
    });
}

/// Waits until `command` is the only living process with this mark.
#[track_caller]
fn wait_until_only(mark: &Mark, command: &[u8]) {
    eventually("the daemon is the only process", || {
        let living = mark.living();
        living.len() == 1
            && fs::read(format!("/proc/{}/cmdline", living[0])).is_ok_and(|line| line == command)
    });
}

#[test]
fn zombie_of_background_parent_is_reaped() {
    adopting(|| {
        let mark = Mark::new();
        let before = Holdings::now();
        // The zombie-to-be is alive when the first child ends, and ends before its parent.
        let daemon = leaves("sh -c 'sleep 1 & exec sleep 67'");
        assert!(mark.on(daemon).run().unwrap().success());
        wait_until_only(&mark, b"sleep\x0067\0");
        mark.kill_all();
        assert_all_are_reaped(before);
    });
}

#[test]
fn zombie_found_by_the_last_search_is_reaped() {
    adopting(|| {
        let mark = Mark::new();
        let before = Holdings::now();
        let daemon = leaves("sh -c 'sleep 0 & exec sleep 67'");
        assert!(mark.on(daemon).run().unwrap().success());
        wait_until_only(&mark, b"sleep\x0067\0");
        mark.kill_all();
        assert_all_are_reaped(before);
    });
}

#[test]
fn zombie_of_killed_parent_is_reaped() {
    adopting(|| {
        let mark = Mark::new();
        let before = Holdings::now();
        // The parent of the zombie never reaps it.
        let script = "sh -c 'sleep 0 & exec sleep 64' & sleep 0.2; echo left; sleep 65";
        let command = mark.on(sh(script)).grace(Duration::ZERO);
        time_out_after(b"left\n", SHORT, &command);
        mark.wait_for(0);
        assert_all_are_reaped(before);
    });
}

#[test]
fn process_forked_by_daemon_after_last_search_is_reaped() {
    adopting(|| {
        let mark = Mark::new();
        let before = Holdings::now();
        // The daemon forks after its parent was reaped, does not wait for that process, and ends
        // later.
        let daemon = leaves(&format!("sh -c '{PARENT_REAPED}; sleep 0 & exec sleep 67'"));
        assert!(mark.on(daemon).run().unwrap().success());
        wait_until_only(&mark, b"sleep\x0067\0");
        mark.kill_all();
        assert_all_are_reaped(before);
    });
}

#[test]
fn orphan_in_new_session_after_last_search_is_reaped() {
    adopting(|| {
        let mark = Mark::new();
        let before = Holdings::now();
        // The orphan leaves the daemon's session after the last search, and is still running when
        // the next child ends.
        let daemon = leaves(&format!(
            "sh -c '{PARENT_REAPED}; setsid sleep 66 & exit 0'"
        ));
        assert!(mark.on(daemon).run().unwrap().success());
        wait_until_only(&mark, b"sleep\x0066\0");
        assert!(Command::new("true").run().unwrap().success());
        mark.kill_all();
        assert_all_are_reaped(before);
    });
}

#[test]
fn adoption_does_not_reap_children_of_std() {
    adopting(|| {
        let before = Holdings::now();
        let spawn = |script| {
            std::process::Command::new("sh")
                .args(["-c", script])
                .spawn()
        };
        let mut ended = spawn("exit 7").unwrap();
        let mut runs = spawn("sleep 0.5; exit 8").unwrap();
        wait_for_zombie(ended.id());
        for _ in 0..5 {
            assert!(Command::new("true").run().unwrap().success());
        }
        assert_eq!(runs.wait().unwrap().code(), Some(8));
        assert_eq!(ended.wait().unwrap().code(), Some(7));
        assert_eq!(Holdings::now().children, before.children);
    });
}
