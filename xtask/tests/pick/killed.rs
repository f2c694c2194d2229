//! A pick that is killed at some moment: the user's folder is as it was, or complete.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::bench::{Bench, files};

/// No pick of the tiny crate takes this long.
const DEADLINE: Duration = Duration::from_secs(120);

/// The manifest of a workspace with a pattern that matches all folders beside the crate's.
const PATTERN: &str = "[workspace]\nresolver = '3'\nmembers = ['app', 'vendor/*']\n";

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
    data(&bench, "old\n");
    bench
}

/// Gives the crate files enough that a placement can be watched.
fn data(bench: &Bench, text: &str) {
    for number in 0..200 {
        bench.write(&format!("ws/crates/tiny/tests/data/{number}"), text);
    }
}

/// The workspace's files, without what a killed pick had staged beside them.
fn theirs(bench: &Bench) -> Files {
    let mut found = files(&bench.path("theirs"));
    found.retain(|(path, _)| {
        let path = path.to_string_lossy();
        !path.contains("/.pick-") && !path.contains("/.xtask-") && !path.ends_with("/Cargo.lock")
    });
    found
}

/// Whether a pick has begun to write the new folder, in any folder of the workspace.
fn has_staged(bench: &Bench) -> bool {
    ["theirs", "theirs/vendor"].iter().any(|folder| {
        let entries = std::fs::read_dir(bench.path(folder));
        entries.into_iter().flatten().flatten().any(|entry| {
            let name = entry.file_name();
            name.to_string_lossy().starts_with(".pick-") && entry.path().join("whole").exists()
        })
    })
}

/// A pick in a process group of its own, whose temporary files go to the bench.
fn start(bench: &Bench, into: &str, flags: &[&str]) -> Child {
    let temporary = bench.path("tmp");
    std::fs::create_dir_all(&temporary).expect("a folder");
    bench
        .command(into, flags)
        .env("TMPDIR", &temporary)
        .process_group(0)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("xtask starts")
}

/// Kills it and the programs that it runs.
fn kill(child: &mut Child) {
    // The group is there until the child is waited for, even if it has ended.
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    child.wait().expect("a status");
}

/// Waits until the child stages the new folder, or has ended.
fn wait_for_staging(bench: &Bench, child: &mut Child) {
    let since = Instant::now();
    while !has_staged(bench) && child.try_wait().expect("a status").is_none() {
        if since.elapsed() > DEADLINE {
            kill(child);
            panic!("it never placed anything");
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Cargo can read the user's workspace.
fn assert_readable(bench: &Bench) {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(bench.path("theirs"))
        .stdin(Stdio::null())
        .output()
        .expect("cargo starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
}

/// One placement that is killed over and over.
struct Scene<'s> {
    into: &'s str,
    flags: &'s [&'s str],
    before: Files,
    after: Files,
    /// Another state that is allowed.
    half: Option<Files>,
}

impl Scene<'_> {
    /// Makes the workspace as it was before.
    fn restore(&self, bench: &Bench) {
        std::fs::remove_dir_all(bench.path("theirs")).expect("removed");
        for (path, bytes) in &self.before {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, bytes).expect("a file");
        }
    }

    /// Kills picks at many moments of their placement.
    fn kill_at_many_moments(&self, bench: &Bench) {
        self.restore(bench);
        let mut child = start(bench, self.into, self.flags);
        wait_for_staging(bench, &mut child);
        let since = Instant::now();
        assert!(child.wait().expect("a status").success());
        let placement = since.elapsed();
        for step in 0..12_u32 {
            self.restore(bench);
            let mut child = start(bench, self.into, self.flags);
            wait_for_staging(bench, &mut child);
            std::thread::sleep(placement * step / 12);
            kill(&mut child);
            let found = theirs(bench);
            let half = self.half.as_ref();
            let known = found == self.before
                || found == self.after
                || half.is_some_and(|half| found == *half);
            assert!(
                known,
                "after {step}: {:?}",
                found.iter().map(|(path, _)| path).collect::<Vec<_>>()
            );
            assert_readable(bench);
            if step % 4 == 0 {
                // The next pick completes it, and finds the remains no obstacle.
                let status = start(bench, self.into, self.flags).wait();
                assert!(status.expect("a status").success());
                assert_eq!(theirs(bench), self.after);
            }
        }
        // Killed before it placed anything: nothing has happened.
        self.restore(bench);
        let mut child = start(bench, self.into, self.flags);
        std::thread::sleep(Duration::from_millis(20));
        kill(&mut child);
        assert!([&self.before, &self.after].contains(&&theirs(bench)));
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
    let scene = Scene {
        into: "theirs/tiny",
        flags: &["--no-test"],
        before,
        after,
        half: Some(half),
    };
    scene.kill_at_many_moments(&bench);
}

/// A folder that a pattern matches and that has no manifest stops all of cargo's commands.
#[test]
fn killed_pick_leaves_a_workspace_with_patterns_readable() {
    let bench = workspace();
    bench.write("theirs/Cargo.toml", PATTERN);
    bench.write("theirs/vendor/readme", "mine\n");
    let before = theirs(&bench);
    bench.picked_with("theirs/vendor/tiny", &["--no-test"]);
    let scene = Scene {
        into: "theirs/vendor/tiny",
        flags: &["--no-test"],
        before,
        after: theirs(&bench),
        half: None,
    };
    scene.kill_at_many_moments(&bench);
}

#[test]
fn killed_update_leaves_the_old_crate_or_the_new_one() {
    let bench = workspace();
    bench.write("theirs/Cargo.toml", PATTERN);
    bench.picked_with("theirs/vendor/tiny", &["--no-test"]);
    bench.write("theirs/vendor/tiny/mine", "mine\n");
    let before = theirs(&bench);
    data(&bench, "new\n");
    bench.picked_with("theirs/vendor/tiny", &["--no-test", "--update"]);
    let after = theirs(&bench);
    assert_ne!(before, after);
    let scene = Scene {
        into: "theirs/vendor/tiny",
        flags: &["--no-test", "--update"],
        before,
        after,
        half: None,
    };
    scene.kill_at_many_moments(&bench);
}

#[test]
fn interrupt_removes_what_was_begun() {
    let bench = workspace();
    let before = theirs(&bench);
    let mut child = start(&bench, "theirs/tiny", &[]);
    let temporary = bench.path("tmp");
    // Its scratch folder is the first thing that it makes.
    let since = Instant::now();
    while std::fs::read_dir(&temporary)
        .expect("a folder")
        .next()
        .is_none()
    {
        if since.elapsed() > DEADLINE {
            kill(&mut child);
            panic!("it never began");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let id = Pid::from_child(&child);
    rustix::process::kill_process(id, Signal::INT).expect("a signal");
    let status = child.wait().expect("a status");
    assert_eq!(status.code(), Some(130), "{status}");
    assert_eq!(files(&bench.path("theirs")), before);
    let left: Vec<_> = std::fs::read_dir(&temporary)
        .expect("a folder")
        .flatten()
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
