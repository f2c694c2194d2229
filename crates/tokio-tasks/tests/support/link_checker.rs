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
            let find = |path| pages.iter().find(|(page, _)| Some(*page) == path);
            // A page without the query stands for all of them.
            let page = find(path).or_else(|| find(path?.split('?').next()));
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
fn links_with_dots_lead_to_the_same_page() {
    let host = serve(&[
        ("/", "<a href=\"a/b\">"),
        (
            "/a/b",
            "<a href=\"../a/b\"> <a href=\"./b\"> <a href=\"..\"> <a href=\"../.././../a/./b\">",
        ),
    ]);
    let ended = run(&[format!("http://{host}")]);
    assert_eq!(
        (ended.status, ended.stdout.as_str()),
        (Some(0), "2 links, 0 broken\n")
    );
}

#[test]
fn dots_in_a_query_stay() {
    let host = serve(&[
        ("/", "<a href=\"/a?of=/../b\">"),
        ("/a?of=/../b", "<a href=\"c\">"),
        ("/c", "nothing more"),
    ]);
    let ended = run(&[format!("http://{host}")]);
    assert_eq!(
        (ended.status, ended.stdout.as_str()),
        (Some(0), "3 links, 0 broken\n")
    );
}

#[test]
fn pages_beyond_the_limit_are_told() {
    let links: Vec<String> = (0..10_000)
        .map(|number| format!("<a href=\"/?{number}\">"))
        .collect();
    let links: &'static str = links.concat().leak();
    let host = serve(vec![("/start", links), ("/", "nothing more")].leak());
    let ended = run(&[format!("http://{host}/start")]);
    let end = "10000 links, 0 broken, and there are more\n";
    assert_eq!(ended.status, Some(1), "{}", ended.stderr);
    assert_eq!(ended.stdout, end);
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
