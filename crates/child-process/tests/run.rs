//! The settings of a command and their effect on its result.

mod support;

use std::error::Error as _;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use effective_child_process::{Command, Error, Excess, Input, Output};
use support::mark::Mark;
use support::temp_dir::TempDir;
use support::{sh, within};

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn arguments_reach_the_program_unchanged() {
    let words = ["a b", "", "$HOME", "it's", "-n", "ö\n"];
    let printed = Command::new("printf").arg("%s|").args(words).read();
    assert_eq!(
        printed.unwrap(),
        words.map(|word| format!("{word}|")).concat()
    );
}

#[test]
fn environment_is_inherited_changed_or_cleared() {
    let show = Command::new("env");
    assert!(show.read().unwrap().contains("PATH="));
    let changed = show.clone().env("COLOUR", "red").env_remove("PATH");
    let changed = changed.read().unwrap();
    assert!(changed.lines().any(|line| line == "COLOUR=red"));
    assert!(!changed.lines().any(|line| line.starts_with("PATH=")));
    // `env` is still found in `/usr/bin`.
    let only = show.env("LOST", "1").env_clear().env("ONLY", "this");
    assert_eq!(only.read().unwrap(), "ONLY=this");
}

#[test]
fn invalid_variable_name_is_an_error() {
    for name in ["", "A=B"] {
        let error = Command::new("true").env(name, "x").run().unwrap_err();
        assert!(error.to_string().contains("is not a name for"), "{error}");
        assert!(!error.to_string().contains("NUL"), "{error}");
    }
}

#[test]
fn child_runs_in_its_directory() {
    let dir = fs::canonicalize(std::env::temp_dir()).unwrap();
    let pwd = Command::new("pwd").arg("-P").dir(&dir).read().unwrap();
    assert_eq!(pwd, dir.to_str().unwrap());
}

#[test]
fn stdin_is_empty_by_default() {
    within(LIMIT, || {
        assert_eq!(Command::new("cat").read().unwrap(), "");
    });
}

#[test]
fn files_are_used_from_their_current_position() {
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let finished = Command::new("cat").input(bytes.clone()).run().unwrap();
    assert_eq!(finished.stdout, bytes);

    let dir = TempDir::new();
    let mut file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(dir.path().join("file"))
        .unwrap();
    file.write_all(b"skipped, read").unwrap();
    file.seek(std::io::SeekFrom::Start(9)).unwrap();
    let file = Arc::new(file);
    let cat = Command::new("cat").stdin(Input::File(Arc::clone(&file)));
    assert_eq!(cat.read().unwrap(), "read");

    // The position is shared with the child above, so this is appended.
    sh("echo out; echo err >&2")
        .stdout(Output::File(Arc::clone(&file)))
        .stderr(Output::Merge)
        .run()
        .unwrap();
    let mut text = String::new();
    let mut file = &*file;
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "skipped, readout\nerr\n");
}

#[test]
fn merged_output_keeps_its_order() {
    let script = "for i in 1 2 3; do echo out $i; echo err $i >&2; done";
    let finished = sh(script).stderr(Output::Merge).run().unwrap();
    assert_eq!(
        finished.stdout_text().unwrap(),
        "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n"
    );
    assert!(finished.stderr.is_empty());
    let nothing = sh(script)
        .stdout(Output::Null)
        .stderr(Output::Merge)
        .run()
        .unwrap();
    assert!(nothing.stdout.is_empty() && nothing.stderr.is_empty());
}

#[test]
fn uncaptured_output_is_not_in_the_result() {
    let script = "echo out; echo err >&2";
    let finished = sh(script).stdout(Output::Null).run().unwrap();
    assert_eq!(
        (&finished.stdout[..], &finished.stderr[..]),
        (&b""[..], &b"err\n"[..])
    );
    let inherited = sh("true")
        .stdin(Input::Inherit)
        .stdout(Output::Inherit)
        .stderr(Output::Merge);
    assert!(inherited.run().unwrap().success());
}

#[test]
fn failed_check_shows_command_status_and_stderr_tail() {
    let error = sh("echo first >&2; for i in 1 2 3 4; do echo line $i >&2; done; printf 'bad\\033' >&2; exit 9")
        .run()
        .unwrap()
        .check()
        .unwrap_err();
    let said = error.to_string();
    assert!(said.starts_with("sh -c 'echo first"), "{said}");
    assert!(
        said.ends_with(
            "exit status: 9; its standard error ends with: line 3 / line 4 / bad\\u{1b}"
        ),
        "{said}"
    );
    assert!(!said.contains('\n') && error.source().is_none());
    let killed = sh("kill -SEGV $$").read().unwrap_err().to_string();
    assert!(killed.contains("signal: 11"), "{killed}");
}

#[test]
fn start_error_has_a_hint() {
    for (command, what) in [
        (
            Command::new("no-such-program-anywhere").env("PATH", "/usr/bin:/bin"),
            "install the program",
        ),
        (
            Command::new("true").dir("/no/such/folder"),
            "its working directory does not exist",
        ),
        (Command::new("/etc/passwd"), "make the file executable"),
        (Command::new("true").arg("a\0b"), "remove the NUL bytes"),
        (
            Command::new("true").arg("x".repeat(3 << 20)),
            "standard input or a file",
        ),
    ] {
        let error = command.run().unwrap_err();
        assert!(matches!(error, Error::Start { .. }), "{error}");
        let said = error.to_string();
        assert!(said.contains(what) && said.len() < 500, "{said}");
    }
}

#[test]
fn invalid_utf8_is_an_error_that_keeps_the_bytes() {
    let command = Command::new("printf").arg("\\377");
    assert!(matches!(command.read(), Err(Error::NotText { .. })));
    let finished = command.run().unwrap();
    assert!(
        finished
            .stdout_text()
            .unwrap_err()
            .to_string()
            .contains("is not text")
    );
    assert_eq!(
        (&finished.stdout[..], finished.stderr_text().unwrap()),
        (&[0xff][..], "")
    );
}

#[test]
fn output_of_exactly_the_limit_is_accepted() {
    let finished = Command::new("printf")
        .arg("12345")
        .capture_at_most(5, Excess::Fail)
        .run()
        .unwrap();
    assert_eq!(
        (&finished.stdout[..], finished.stdout_dropped),
        (&b"12345"[..], 0)
    );
    let error = Command::new("printf")
        .arg("123456")
        .capture_at_most(5, Excess::Fail)
        .run()
        .unwrap_err();
    assert!(error.to_string().contains("more than 5 bytes"), "{error}");
}

#[test]
fn command_can_be_run_again() {
    let command = Command::new("cat").input("again");
    for _ in 0..3 {
        assert_eq!(command.read().unwrap(), "again");
    }
}

#[test]
fn child_has_its_own_group_unless_in_foreground() {
    let group = "cut -d' ' -f5 /proc/self/stat";
    let own = fs::read_to_string("/proc/self/stat").unwrap();
    let own = own.split(' ').nth(4).unwrap().to_owned();
    assert_ne!(sh(group).read().unwrap(), own);
    assert_eq!(sh(group).foreground().read().unwrap(), own);
}

#[test]
fn time_limit_ends_a_foreground_tree() {
    within(LIMIT, || {
        let mark = Mark::new();
        let error = mark
            .on(sh("trap '' TERM; sh -c 'sleep 61; :'; :"))
            .foreground()
            .time_limit(Duration::from_millis(200))
            .grace(Duration::from_millis(20))
            .run()
            .unwrap_err();
        assert!(error.is_timeout(), "{error}");
        assert_eq!(mark.living(), [0; 0]);
    });
}

#[test]
fn durations_beyond_the_clock_are_no_limits() {
    within(LIMIT, || {
        let command = sh("echo done")
            .time_limit(Duration::MAX)
            .grace(Duration::MAX)
            .drain(Duration::MAX);
        assert_eq!(command.read().unwrap(), "done");
        let start = Instant::now();
        let mut child = sh("sleep 60")
            .time_limit(Duration::MAX)
            .grace(Duration::MAX)
            .spawn()
            .unwrap();
        assert!(
            child
                .wait_timeout(Duration::from_millis(1))
                .unwrap()
                .is_none()
        );
        child.terminate();
        assert!(child.finish().unwrap().status.code().is_none());
        assert!(start.elapsed() < Duration::from_secs(20));
    });
}

#[test]
fn missing_interpreter_is_reported_as_such() {
    let dir = TempDir::new();
    let script = dir.script("script", "#!/no/such/interpreter\n");
    let said = Command::new(&script).run().unwrap_err().to_string();
    assert!(said.contains("first line"), "{said}");
    let said = Command::new("true").dir(&script).run().unwrap_err();
    assert!(said.to_string().contains("its working directory"), "{said}");
}

#[test]
fn program_is_looked_up_in_the_path_of_the_child() {
    let dir = TempDir::new();
    dir.script("only-here", "#!/bin/sh\necho found\n");
    let command = Command::new("only-here").env("PATH", dir.path());
    assert_eq!(command.read().unwrap(), "found");
    assert!(Command::new("true").env("PATH", dir.path()).run().is_err());
}

#[test]
fn result_uses_no_more_memory_than_its_output() {
    let finished = sh("echo some").run().unwrap();
    assert!(finished.stdout.capacity() < 100);
    assert_eq!(finished.stderr.capacity(), 0);
}
