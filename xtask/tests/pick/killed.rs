//! A pick that is killed at some moment: the user's folder is as it was, or complete.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::bench::{Bench, files};

/// No pick of the tiny crate takes this long.
const DEADLINE: Duration = Duration::from_secs(120);

/// All files below a folder with their contents.
type Files = Vec<(PathBuf, Vec<u8>)>;

fn workspace() -> Bench {
    let bench = Bench::new();
    bench.write(
        "theirs/Cargo.toml",
        "[workspace]\nresolver = '3'\nmembers = ['app']\n",
    );
    bench.write(
        "theirs/app/Cargo.toml",
        "[package]\nname = 'app'\nversion = '1.0.0'\nedition = '2024'\n",
    );
    bench.write("theirs/app/src/lib.rs", "");
    bench
}

/// The workspace's files, without what a killed pick had staged beside them.
fn theirs(bench: &Bench) -> Files {
    let mut found = files(&bench.path("theirs"));
    found.retain(|(path, _)| {
        let path = path.to_string_lossy();
        !path.contains("/.pick-") && !path.contains("/.xtask-")
    });
    found
}

fn start(bench: &Bench, flags: &[&str]) -> Child {
    bench
        .command("theirs/tiny", flags)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("xtask starts")
}

/// Kills picks at many moments, most of them around the end, when the files are moved.
fn kill_at_many_moments(
    bench: &Bench,
    flags: &[&str],
    before: &Files,
    after: &Files,
    half: Option<&Files>,
) {
    let since = Instant::now();
    assert!(start(bench, flags).wait().expect("a status").success());
    let whole = since.elapsed();
    assert_eq!(&theirs(bench), after);
    let undo = || {
        std::fs::remove_dir_all(bench.path("theirs")).expect("removed");
        for (path, bytes) in before {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, bytes).expect("a file");
        }
    };
    for step in 0..8_u32 {
        undo();
        let mut child = start(bench, flags);
        std::thread::sleep(whole * (12 + step) / 20);
        let _ = child.kill();
        child.wait().expect("a status");
        let found = theirs(bench);
        let known = found == *before || found == *after || half.is_some_and(|half| found == *half);
        assert!(
            known,
            "after {step}: {:?}",
            found.iter().map(|(path, _)| path).collect::<Vec<_>>()
        );
        // The next pick completes it.
        let since = Instant::now();
        assert!(start(bench, flags).wait().expect("a status").success());
        assert!(since.elapsed() < DEADLINE);
        assert_eq!(&theirs(bench), after);
    }
}

#[test]
fn killed_first_pick_leaves_nothing_or_a_whole_crate() {
    let bench = workspace();
    let before = theirs(&bench);
    bench.picked_with("theirs/tiny", &["--no-test"]);
    let after = theirs(&bench);
    // The crate is there, and the manifest not yet renamed: the workspace is as it was.
    let mut half = after.clone();
    for (path, bytes) in &mut half {
        if let Some((_, old)) = before.iter().find(|(old, _)| old == path) {
            bytes.clone_from(old);
        }
    }
    std::fs::remove_dir_all(bench.path("theirs/tiny")).expect("removed");
    bench.write(
        "theirs/Cargo.toml",
        "[workspace]\nresolver = '3'\nmembers = ['app']\n",
    );
    kill_at_many_moments(&bench, &["--no-test"], &before, &after, Some(&half));
}

#[test]
fn killed_update_leaves_the_old_crate_or_the_new_one() {
    let bench = workspace();
    for number in 0..200 {
        bench.write(&format!("ws/crates/tiny/tests/data/{number}"), "old\n");
    }
    bench.picked_with("theirs/tiny", &["--no-test"]);
    bench.write("theirs/tiny/mine", "mine\n");
    let before = theirs(&bench);
    for number in 0..200 {
        bench.write(&format!("ws/crates/tiny/tests/data/{number}"), "new\n");
    }
    bench.picked_with("theirs/tiny", &["--no-test", "--update"]);
    let after = theirs(&bench);
    assert_ne!(before, after);
    // Back, for the timing of a whole update.
    std::fs::remove_dir_all(bench.path("theirs")).expect("removed");
    for (path, bytes) in &before {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, bytes).expect("a file");
    }
    kill_at_many_moments(&bench, &["--no-test", "--update"], &before, &after, None);
}

#[test]
fn interrupt_removes_what_was_begun() {
    let bench = workspace();
    let before = theirs(&bench);
    let temporary = bench.path("tmp");
    std::fs::create_dir(&temporary).expect("a folder");
    let mut child = bench
        .command("theirs/tiny", &[])
        .env("TMPDIR", &temporary)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("xtask starts");
    // Its scratch folder is the first thing that it makes.
    let since = Instant::now();
    while std::fs::read_dir(&temporary)
        .expect("a folder")
        .next()
        .is_none()
    {
        assert!(since.elapsed() < DEADLINE, "it never began");
        std::thread::sleep(Duration::from_millis(1));
    }
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).expect("a signal");
    let status = child.wait().expect("a status");
    assert_eq!(status.code(), Some(130), "{status}");
    assert_eq!(files(&bench.path("theirs")), before);
    let left: Vec<_> = std::fs::read_dir(&temporary)
        .expect("a folder")
        .flatten()
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
