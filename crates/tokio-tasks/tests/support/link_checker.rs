//! The checks of the example `link_checker`, against a site with good and broken links.
//!
//! Several crates link this file.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use crate::example::{refuses, run};

/// Serves a site on a free port, and returns its address. It ends with the test program.
fn serve(pages: &'static [(&str, &str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let lines = BufReader::new(&stream).take(4096).lines();
            let lines = lines.map_while(Result::ok);
            let request: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let path = request.first().and_then(|line| line.split(' ').nth(1));
            let page = pages.iter().find(|(page, _)| Some(*page) == path);
            let answer = match page {
                // Ends the connection.
                Some((_, "")) => continue,
                Some((_, body)) => format!("HTTP/1.0 200 OK\r\n\r\n{body}"),
                None => "HTTP/1.0 404 Not Found\r\n\r\n".to_owned(),
            };
            // A client may have given up.
            drop(stream.write_all(answer.as_bytes()));
        }
    });
    host
}

#[test]
fn broken_links_are_named_with_their_page() {
    let host = serve(&[
        (
            "/start",
            "<a href=\"good\"> <a href=\"/gone\"> <a href=\"sub/page#top\"> <a href=\"/dead\">
             <a href=\"http://other.invalid/\"> <a href=\"#top\"> <a href=\"mailto:a@example.org\">",
        ),
        ("/good", "<a href=\"/start\"> <a href=\"/good\"> <a href=\"//other.invalid\">"),
        ("/dead", ""),
        ("/sub/page", "<a href=\"near\"> <a href=\"/good\">"),
    ]);
    let ended = run(&[format!("http://{host}/start")]);
    assert_eq!(
        (ended.status, ended.stderr.as_str()),
        (Some(1), ""),
        "{ended:?}"
    );
    let mut lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines.pop(), Some("6 links, 3 broken"), "{ended:?}");
    let broken = [
        ("/gone in /start: ", "status 404"),
        ("/dead in /start: ", ""),
        ("/sub/near in /sub/page: ", "status 404"),
    ];
    for (start, end) in broken {
        let is_named = |line: &&str| line.starts_with(start) && line.ends_with(end);
        assert_eq!(
            lines.iter().filter(|line| is_named(line)).count(),
            1,
            "{ended:?}"
        );
    }
}

#[test]
fn site_without_broken_links_is_sound() {
    let host = serve(&[
        ("/", "<a href=\"/a\"> <a href=\"b\">"),
        ("/a", "b"),
        ("/b", "<a href=\"/\">"),
    ]);
    let ended = run(&[format!("http://{host}")]);
    assert_eq!(
        (ended.status, ended.stdout.as_str()),
        (Some(0), "3 links, 0 broken\n")
    );
}

#[test]
fn absent_server_is_a_broken_link() {
    // Free once the listener is dropped.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap();
    drop(listener);
    let ended = run(&[format!("http://{host}/")]);
    assert_eq!(
        (ended.status, ended.stderr.as_str()),
        (Some(1), ""),
        "{ended:?}"
    );
    assert!(ended.stdout.starts_with("/ in the argument: "), "{ended:?}");
}

#[test]
fn bad_arguments_are_refused() {
    refuses(&["example.org"], "example.org does not begin with http://");
    refuses(&["https://example.org/"], "does not begin with http://");
    refuses(
        &["http://example.org/", "x"],
        "\"x\" is one argument too many",
    );
}
