//! A link checker: fetches the pages of a site, several at once, each with a time limit and
//! retries, and names the links that lead nowhere. The crates `tokio-tasks` and `async-std-tasks`
//! have the same program: only the imports of both and a line of `run` differ.
//!
//! `cargo run -p effective-coroutines --example link_checker -- [URL]`
//!
//! It speaks plain HTTP and follows the links to the same server, up to 10,000 pages. Without a URL
//! it checks a small server of its own, which refuses some requests once. The exit status is 1 if a
//! link is broken or there are more pages, 2 if the arguments are wrong.

use std::collections::{HashMap, HashSet};
use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use effective_coroutines::{Backoff, Retry, Tasks};
use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
use smol::net::TcpStream;

const AT_ONCE: NonZeroUsize = NonZeroUsize::new(16).unwrap();
const LIMIT: Duration = Duration::from_secs(30);
const PAGES_MAX: usize = 10_000;
const PAGE_MAX_BYTES: u64 = 1 << 20;

/// Returns the links of a page.
async fn fetch(host: String, path: String) -> io::Result<Vec<String>> {
    let port = if host.contains(':') { "" } else { ":80" };
    let mut stream = TcpStream::connect(format!("{host}{port}")).await?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(PAGE_MAX_BYTES).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).unwrap_or("missing");
    if !status.starts_with('2') {
        return Err(io::Error::other(format!("status {status:.20}")));
    }
    let link = |rest: &str| resolve(&host, &path, rest.split(['"', '#']).next()?);
    Ok(answer.split("href=\"").skip(1).filter_map(link).collect())
}

/// The path of a link on the page `base`. `None` if it leads to another server.
fn resolve(host: &str, base: &str, link: &str) -> Option<String> {
    let (folder, _) = base.split('?').next()?.rsplit_once('/')?;
    let path = match link.split_once("//") {
        _ if link.is_empty() || link.contains([' ', '\n', '\r']) => return None,
        Some(("" | "http:", rest)) => rest.strip_prefix(host)?.to_owned(),
        _ if link.starts_with('/') => link.to_owned(),
        _ if link.contains(':') => return None,
        _ => format!("{folder}/{link}"),
    };
    let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    // Without `.` and `..`: otherwise a page that links to `../page` has paths without end.
    let mut parts = Vec::new();
    for part in path.strip_prefix('/')?.split_inclusive('/') {
        match part {
            "." | "./" => {}
            ".." | "../" => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    Some(format!("/{}{query}", parts.concat()))
}

/// Prints the broken links. Returns whether there are none, and no more pages.
async fn check(host: String, start: String) -> bool {
    let retry = Retry::new().backoff(Backoff::exponential(Duration::from_millis(50), 2.0));
    let tasks = Tasks::new().limit(AT_ONCE).time_limit(LIMIT).retry(retry);
    let mut found_on = HashMap::from([(start.clone(), "the argument".to_owned())]);
    let (mut next, mut broken, mut more) = (vec![start], 0, false);
    while !next.is_empty() {
        let (paths, host) = (std::mem::take(&mut next), host.clone());
        let fetch_one = move |path, _attempt| fetch(host.clone(), path);
        let pages = tasks.map(paths.clone(), fetch_one).await;
        for (path, page) in paths.iter().zip(pages) {
            if let Err(error) = &page {
                broken += 1;
                println!("{path} in {}: {error}", found_on[path]);
            }
            for link in page.into_iter().flatten() {
                more |= found_on.len() == PAGES_MAX && !found_on.contains_key(&link);
                if !more && found_on.insert(link.clone(), path.clone()).is_none() {
                    next.push(link);
                }
            }
        }
    }
    let end = if more { ", and there are more" } else { "" };
    println!("{} links, {broken} broken{end}", found_on.len());
    broken == 0 && !more
}

/// Serves 63 pages, each of which links to two more, and refuses some once. Returns the URL.
fn serve() -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/", listener.local_addr()?);
    thread::spawn(move || {
        let mut refused = HashSet::new();
        for mut stream in listener.incoming().flatten() {
            let lines = BufReader::new(&stream).take(4096).lines();
            let lines = lines.map_while(Result::ok);
            let request: String = lines.take_while(|line| !line.is_empty()).collect();
            let page = request.split(['/', ' ']).nth(2).unwrap_or("");
            let page: u32 = page.parse().unwrap_or(0);
            let (left, right) = (2 * page + 1, 2 * page + 2);
            let answer = match page {
                _ if page % 10 == 9 && refused.insert(page) => "503 Busy\r\n\r\n".to_owned(),
                0..31 => format!("200 OK\r\n\r\n<a href=\"/{left}\"> <a href=\"{right}\">"),
                _ => "200 OK\r\n\r\nnothing more".to_owned(),
            };
            // A client that breaks off ends only its own connection.
            drop(write!(stream, "HTTP/1.0 {answer}"));
        }
    });
    Ok(url)
}

/// The server, and the path of the first page.
fn settings(arguments: &[OsString]) -> Result<(String, String), String> {
    let url = match arguments {
        [] => serve().map_err(|error| format!("cannot serve: {error}"))?,
        [url] => url.to_string_lossy().into_owned(),
        [_, surplus, ..] => return Err(format!("{surplus:?} is one argument too many")),
    };
    let rest = url.strip_prefix("http://");
    let rest = rest.ok_or_else(|| format!("{url} does not begin with http://"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    Ok((host.to_owned(), format!("/{path}")))
}

pub(crate) fn run(arguments: &[OsString]) -> u8 {
    match settings(arguments) {
        Ok((host, start)) => u8::from(!smol::block_on(check(host, start))),
        Err(problem) => {
            eprintln!("link_checker: {problem}; usage: link_checker [http://HOST/PATH]");
            2
        }
    }
}

fn main() -> ExitCode {
    run(&env::args_os().skip(1).collect::<Vec<_>>()).into()
}
