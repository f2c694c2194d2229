//! One command, from its settings to its result.

mod support;

use std::error::Error as _;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use effective_child_process::{Command, Error, Excess, Input, Output};
use support::{sh, within};

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn arguments_reach_the_program_as_they_are() {
    let words = ["a b", "", "$HOME", "it's", "-n", "ö\n"];
    let printed = Command::new("printf").arg("%s|").args(words).read();
    assert_eq!(
        printed.unwrap(),
        words.map(|word| format!("{word}|")).concat()
    );
}

#[test]
fn the_environment_is_inherited_changed_or_empty() {
    let show = Command::new("env");
    assert!(show.read().unwrap().contains("PATH="));
    let changed = show.clone().env("COLOUR", "red").env_remove("PATH");
    let changed = changed.read().unwrap();
    assert!(changed.lines().any(|line| line == "COLOUR=red"));
    assert!(!changed.lines().any(|line| line.starts_with("PATH=")));
    // `env` is still found, by this program's own PATH.
    let only = show.env("LOST", "1").env_clear().env("ONLY", "this");
    assert_eq!(only.read().unwrap(), "ONLY=this");
}

#[test]
fn a_variable_that_cannot_be_is_an_error_that_says_so() {
    for name in ["", "A=B"] {
        let error = Command::new("true").env(name, "x").run().unwrap_err();
        assert!(
            error.to_string().contains("a variable cannot be called"),
            "{error}"
        );
        assert!(!error.to_string().contains("NUL"), "{error}");
    }
}

#[test]
fn it_works_in_its_folder() {
    let folder = fs::canonicalize(std::env::temp_dir()).unwrap();
    let pwd = Command::new("pwd").arg("-P").dir(&folder).read().unwrap();
    assert_eq!(pwd, folder.to_str().unwrap());
}

#[test]
fn input_is_nothing_unless_said_otherwise() {
    within(LIMIT, || {
        assert_eq!(Command::new("cat").read().unwrap(), "");
    });
}

#[test]
fn input_is_bytes_or_a_file_from_where_it_stands() {
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let finished = Command::new("cat").input(bytes.clone()).run().unwrap();
    assert_eq!(finished.stdout, bytes);

    let path = std::env::temp_dir().join(format!("child-process-{}", std::process::id()));
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(&path)
        .unwrap();
    fs::remove_file(&path).unwrap();
    file.write_all(b"skipped, read").unwrap();
    file.seek(std::io::SeekFrom::Start(9)).unwrap();
    let file = Arc::new(file);
    let cat = Command::new("cat").stdin(Input::File(Arc::clone(&file)));
    assert_eq!(cat.read().unwrap(), "read");

    // The position is shared, so this is written behind it.
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
fn what_is_not_captured_is_not_in_the_result() {
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
fn a_failed_check_names_command_status_and_the_end_of_stderr() {
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
fn what_cannot_be_started_says_why_and_what_to_do() {
    for (command, what) in [
        (
            Command::new("no-such-program-anywhere").env("PATH", "/usr/bin:/bin"),
            "install the program",
        ),
        (
            Command::new("true").dir("/no/such/folder"),
            "its folder does not exist",
        ),
        (Command::new("/etc/passwd"), "make the file executable"),
        (Command::new("true").arg("a\0b"), "take NUL bytes out"),
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
fn what_is_no_text_is_an_error_and_the_bytes_are_there() {
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
fn exactly_the_cap_is_not_too_much() {
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
fn a_command_can_be_run_again() {
    let command = Command::new("cat").input("again");
    for _ in 0..3 {
        assert_eq!(command.read().unwrap(), "again");
    }
}

#[test]
fn each_has_a_group_of_its_own_unless_it_stays_in_the_foreground() {
    let group = "cut -d' ' -f5 /proc/self/stat";
    let own = fs::read_to_string("/proc/self/stat").unwrap();
    let own = own.split(' ').nth(4).unwrap().to_owned();
    assert_ne!(sh(group).read().unwrap(), own);
    assert_eq!(sh(group).foreground().read().unwrap(), own);
}

#[test]
fn a_tree_in_the_foreground_is_ended_by_its_parents() {
    within(LIMIT, || {
        let mark = support::Mark::new();
        let error = mark
            .on(sh("trap '' TERM; sh -c 'sleep 61; :'; :"))
            .foreground()
            .timeout(Duration::from_millis(200))
            .grace(Duration::from_millis(20))
            .run()
            .unwrap_err();
        assert!(error.is_timeout(), "{error}");
        assert_eq!(mark.living(), [0; 0]);
    });
}

#[test]
fn limits_that_no_clock_can_count_to_are_no_limits() {
    within(LIMIT, || {
        let command = sh("echo done")
            .timeout(Duration::MAX)
            .grace(Duration::MAX)
            .drain(Duration::MAX);
        assert_eq!(command.read().unwrap(), "done");
        let start = Instant::now();
        let mut child = sh("sleep 60")
            .timeout(Duration::MAX)
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
fn a_script_whose_interpreter_is_missing_is_not_called_missing_itself() {
    let folder = sh("mktemp -d").read().unwrap();
    let script = format!("{folder}/script");
    fs::write(&script, "#!/no/such/interpreter\n").unwrap();
    sh("chmod +x $0").arg(&script).read().unwrap();
    let said = Command::new(&script).run().unwrap_err().to_string();
    assert!(said.contains("first line"), "{said}");
    let said = Command::new("true").dir(&script).run().unwrap_err();
    assert!(said.to_string().contains("its folder"), "{said}");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_program_is_looked_up_in_the_path_that_it_gets() {
    let folder = sh("mktemp -d").read().unwrap();
    fs::write(format!("{folder}/only-here"), "#!/bin/sh\necho found\n").unwrap();
    sh("chmod +x $0/only-here").arg(&folder).read().unwrap();
    let command = Command::new("only-here").env("PATH", &folder);
    assert_eq!(command.read().unwrap(), "found");
    assert!(Command::new("true").env("PATH", &folder).run().is_err());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_result_takes_no_more_memory_than_its_output() {
    let finished = sh("echo some").run().unwrap();
    assert!(finished.stdout.capacity() < 100);
    assert_eq!(finished.stderr.capacity(), 0);
}
