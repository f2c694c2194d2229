//! The example `half_ported`, started as a program.

#[path = "support/example.rs"]
mod example;
#[allow(dead_code, reason = "its `main` is not called")]
#[path = "../examples/half_ported.rs"]
mod half_ported;

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use example::{Folder, refuses, start};

/// Longer than an answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn example_succeeds_with_its_defaults() {
    example::become_or_check(half_ported::run);
}

#[test]
fn clients_and_console_store_lines_until_the_end() {
    let folder = Folder::new();
    let file = folder.write("lines", "from an earlier run\n");
    let mut running = start(&[file.as_os_str(), OsStr::new("127.0.0.1:0")]);
    let address = running.line("serving at ");
    let address = address.strip_prefix("serving at ").unwrap();

    running.write("from the console\n");
    assert_eq!(running.line("line "), "line 2");
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answers = BufReader::new(&stream).lines();
    for number in 3..10 {
        (&stream)
            .write_all(format!("line of client {number}\n").as_bytes())
            .unwrap();
        assert_eq!(answers.next().unwrap().unwrap(), format!("line {number}"));
    }

    // The client is still connected.
    let ended = running.end();
    assert_eq!(
        (ended.status, ended.stderr.as_str()),
        (Some(0), ""),
        "{ended:?}"
    );
    let stored = fs::read_to_string(&file).unwrap();
    assert_eq!(stored.lines().count(), 9);
    assert!(stored.ends_with("line of client 9\n"), "{stored}");
}

#[test]
fn client_without_a_line_end_cannot_fill_the_memory() {
    let folder = Folder::new();
    let file = folder.path().join("lines");
    let running = start(&[&file]);
    let address = running.line("serving at ");
    let mut stream = TcpStream::connect(address.strip_prefix("serving at ").unwrap()).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    // Fails once the service has had enough.
    while stream.write_all(&[b'x'; 1 << 16]).is_ok() {}
    assert_eq!(running.end().status, Some(0));
    assert_eq!(fs::read_to_string(&file).unwrap(), "");
}

#[test]
fn line_cut_off_is_neither_stored_nor_answered() {
    let folder = Folder::new();
    let file = folder.path().join("lines");
    let mut running = start(&[&file]);
    let address = running.line("serving at ");
    let mut stream = TcpStream::connect(address.strip_prefix("serving at ").unwrap()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"whole\ncut o").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert_eq!(answers, "line 1\n");
    running.write("from the console");
    running.close_stdin();
    assert_eq!(running.line("line "), "line 2");
    assert_eq!(running.end().status, Some(0));
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "whole\nfrom the console\n"
    );
}

#[test]
fn torn_write_of_an_earlier_run_stays_a_line_of_its_own() {
    let folder = Folder::new();
    // Cut off inside a character.
    let file = folder.write("lines", b"whole\ntorn \xc3");
    let mut running = start(&[&file]);
    running.write("next\n");
    assert_eq!(running.line("line "), "line 3");
    assert_eq!(running.end().status, Some(0));
    assert_eq!(fs::read(&file).unwrap(), b"whole\ntorn \xc3\nnext\n");
}

#[test]
fn bad_arguments_are_refused() {
    let folder = Folder::new();
    let file = folder.path().join("lines");
    let file = file.to_str().unwrap();
    refuses(&[file, "localhost"], "is not like 127.0.0.1:7000");
    refuses(
        &[file, "127.0.0.1:0", "x"],
        "\"x\" is one argument too many",
    );
    refuses(
        &[folder.path().join("no folder/file").to_str().unwrap()],
        "cannot open the file: ",
    );
}
