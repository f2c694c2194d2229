//! Checks of the server's command line, and of other programs that talk to it.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use super::suite::Suite;

/// Each exits with status 2 and prints nothing on stdout.
pub fn wrong_arguments_are_refused_in_one_line(suite: &Suite) {
    for arguments in [
        &["--connections", "0"][..],
        &["--idle", "soon"],
        &["--listen"],
        &["serve"],
        &["--client", "127.0.0.1:1", "1", "5", "6"],
    ] {
        let ended = Command::new(suite.program())
            .args(arguments)
            .stdin(Stdio::null())
            .output();
        let ended = ended.expect("the program starts");
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}");
        let error = String::from_utf8_lossy(&ended.stderr);
        assert!(
            ended.stdout.is_empty() && error.lines().count() == 1,
            "{arguments:?}: {error}"
        );
    }
    let help = Command::new(suite.program())
        .arg("--help")
        .output()
        .expect("the program starts");
    assert!(help.status.success() && help.stdout.starts_with(b"Usage: "));
}

/// The example's client plays with a secret, and asks a person without one.
pub fn client_of_the_example_plays(suite: &Suite) {
    let server = suite.server(&[]);
    let address = server.server.address().to_string();
    let play = |arguments: &[&str], typed: &str| {
        let mut command = Command::new(suite.program());
        command.args(["--client", &address]).args(arguments);
        finished(command, typed)
    };
    let told = play(&["1", "100", "42"], "");
    assert!(told.contains("\n42: Correct\n"), "{told}");
    let asked = play(&["7", "9"], "perhaps\nu\nc\ny\n");
    assert!(
        asked.contains("Is it 7?") && asked.ends_with(": Correct\n"),
        "{asked}"
    );
    server.is_as_before();
}

/// A client that was not written for these servers, blocking and with asyncio.
pub fn client_in_python_plays(suite: &Suite) {
    let python = Command::new("python3").arg("--version").output();
    if !python.is_ok_and(|ended| ended.status.success()) {
        println!("skipped: there is no python3 here");
        return;
    }
    let server = suite.server(&[]);
    for manner in ["--blocking", "--asyncio"] {
        let mut command = Command::new("python3");
        command
            .arg(format!("{}/guess_client.py", suite.docs))
            .args([&server.server.address().to_string(), manner]);
        let said = finished(command, "");
        let correct = said.lines().filter(|line| line.ends_with(" is Correct"));
        assert_eq!(
            correct.collect::<Vec<_>>(),
            ["3 is Correct", "12 is Correct"],
            "{manner}: {said}"
        );
    }
    server.is_as_before();
}

/// Runs the program with this standard input, and returns its output. It has to succeed.
fn finished(mut command: Command, typed: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("piped");
    // The program may end without reading it.
    let _ = stdin.write_all(typed.as_bytes());
    drop(stdin);
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().expect("it ends");
    let stdout = String::from_utf8_lossy(&stdout).into_owned();
    assert!(
        status.success(),
        "{stdout}\n{}",
        String::from_utf8_lossy(&stderr)
    );
    stdout
}
