//! A real runner, driven over its pipes.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use workload::definition::parse;
use workload::inputs;

struct Runner {
    child: Child,
    requests: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

impl Runner {
    fn start() -> Runner {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sequential"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let requests = child.stdin.take();
        let replies = BufReader::new(child.stdout.take().unwrap());
        Runner {
            child,
            requests,
            replies,
        }
    }

    fn send(&mut self, line: &str) {
        writeln!(self.requests.as_mut().unwrap(), "{line}").unwrap();
    }

    fn ask(&mut self, request: Value) -> Value {
        self.send(&request.to_string());
        let mut line = String::new();
        self.replies.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Waits for the process with a hard limit.
    fn ended_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        None
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn inputs_file(step: &str, tasks: usize) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inputs.jsonl");
    let text = format!("name = \"test\"\npattern = \"map\"\ntasks = {tasks}\n[[step]]\n{step}\n");
    let inputs = inputs::make(&parse(&text, "test").unwrap(), 100);
    inputs::write(&inputs, std::fs::File::create(&path).unwrap()).unwrap();
    (folder, path)
}

fn load(path: &PathBuf) -> Value {
    json!({"request": "load", "inputs": path, "files": null, "origin": null, "variant": "", "workers": 2})
}

#[test]
fn whole_conversation_succeeds() {
    let (_folder, path) = inputs_file("compute = \"1ms\"", 5);
    let mut runner = Runner::start();
    let hello = runner.ask(json!({"request": "hello", "protocol": 1}));
    assert_eq!(
        (&hello["reply"], &hello["name"]),
        (&json!("hello"), &json!("sequential"))
    );
    assert_eq!(hello["version"], env!("CARGO_PKG_VERSION"));
    let calibrated = runner.ask(json!({"request": "calibrate"}));
    assert!(
        calibrated["iterations_per_us"].as_u64() > Some(0),
        "{calibrated}"
    );
    let place = json!({"request": "reference", "inputs": path, "files": null, "origin": null});
    let right = runner.ask(place)["digest"].clone();
    assert_eq!(runner.ask(load(&path))["reply"], "loaded");
    for _ in 0..3 {
        let sample = runner.ask(json!({"request": "sample"}));
        assert_eq!(sample["digest"], right);
        let (wall, cpu) = (
            sample["wall_ns"].as_u64().unwrap(),
            sample["usage"]["cpu_ns"].as_u64().unwrap(),
        );
        assert!(wall > 0 && cpu > 0, "{sample}");
    }
    let trace = runner.ask(json!({"request": "trace"}));
    assert_eq!(trace["digest"], right);
    assert!(
        trace["metrics"]["completion_p50_ns"].as_f64()
            <= trace["metrics"]["completion_p99_ns"].as_f64()
    );
    runner.send("{\"request\":\"quit\"}");
    assert!(
        runner
            .ended_within(Duration::from_secs(10))
            .unwrap()
            .success()
    );
}

#[test]
fn failed_requests_do_not_affect_later_ones() {
    let (_folder, path) = inputs_file("compute = \"1us\"", 2);
    let mut runner = Runner::start();
    for (request, part) in [
        (json!({"request": "sample"}), "nothing is loaded"),
        (json!({"request": "hello", "protocol": 99}), "version 1"),
        (json!({"request": "dance"}), "not a request"),
        (
            json!({"request": "load", "inputs": "/no/such/file", "files": null, "origin": null, "variant": "", "workers": 1}),
            "cannot be read",
        ),
        (
            json!({"request": "load", "inputs": path, "files": null, "origin": null, "variant": "none", "workers": 1}),
            "no variant `none`",
        ),
    ] {
        let reply = runner.ask(request);
        assert_eq!(reply["reply"], "failed");
        assert!(
            reply["error"].as_str().unwrap().contains(part),
            "no {part:?} in {reply}"
        );
    }
    runner
        .requests
        .as_mut()
        .unwrap()
        .write_all(b"\xff\xfe\n")
        .unwrap();
    let mut line = String::new();
    runner.replies.read_line(&mut line).unwrap();
    assert!(line.contains("not a request"), "{line}");
    assert_eq!(runner.ask(load(&path))["reply"], "loaded");
    assert_eq!(runner.ask(json!({"request": "sample"}))["reply"], "sample");
}

#[test]
fn end_of_input_ends_a_running_sample() {
    let (_folder, path) = inputs_file("wait = \"60s\"", 1);
    let mut runner = Runner::start();
    assert_eq!(runner.ask(load(&path))["reply"], "loaded");
    runner.send("{\"request\":\"sample\"}");
    std::thread::sleep(Duration::from_millis(100));
    assert!(
        runner.child.try_wait().unwrap().is_none(),
        "it waits for a minute"
    );
    runner.requests = None;
    assert!(runner.ended_within(Duration::from_secs(10)).is_some());
}

#[test]
fn requests_that_end_with_quit_can_be_piped_in_at_once() {
    let (_folder, path) = inputs_file("compute = \"1ms\"", 3);
    let mut runner = Runner::start();
    let requests = [
        json!({"request": "hello", "protocol": 1}),
        load(&path),
        json!({"request": "sample"}),
        json!({"request": "quit"}),
    ];
    let lines: Vec<String> = requests.iter().map(Value::to_string).collect();
    runner.send(&lines.join("\n"));
    runner.requests = None;
    let mut replies = String::new();
    runner.replies.read_to_string(&mut replies).unwrap();
    let kinds: Vec<Value> = replies
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["reply"].clone())
        .collect();
    assert_eq!(kinds, ["hello", "loaded", "sample"]);
    assert!(
        runner
            .ended_within(Duration::from_secs(10))
            .unwrap()
            .success()
    );
}

#[test]
fn children_can_neither_read_requests_nor_write_replies() {
    // The child prints a line that looks like a reply, and tries to read what the comparison sends.
    let step = r#"exec = ["sh", "-c", "echo '{\"reply\":\"loaded\",\"setup_ns\":0}' >&2; cat; ls -l /proc/self/fd | grep -c pipe"]"#;
    let (_folder, path) = inputs_file(step, 2);
    let mut runner = Runner::start();
    assert_eq!(runner.ask(load(&path))["reply"], "loaded");
    let first = runner.ask(json!({"request": "sample"}));
    assert_eq!(first["reply"], "sample", "{first}");
    assert_eq!(
        runner.ask(json!({"request": "sample"}))["digest"],
        first["digest"]
    );
}

#[test]
fn cpu_time_of_children_counts() {
    let (_folder, path) = inputs_file(
        r#"exec = ["sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"]"#,
        1,
    );
    let mut runner = Runner::start();
    assert_eq!(runner.ask(load(&path))["reply"], "loaded");
    let sample = runner.ask(json!({"request": "sample"}));
    assert!(
        sample["usage"]["cpu_ns"].as_u64() > Some(2_000_000),
        "{sample}"
    );
}

#[test]
fn origin_server_exits_with_its_input() {
    let folder = tempfile::tempdir().unwrap();
    let mut origin = Command::new(env!("CARGO_BIN_EXE_origin"))
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    BufReader::new(origin.stdout.take().unwrap())
        .read_line(&mut address)
        .unwrap();
    let exchange = |request: &str| {
        let mut stream = std::net::TcpStream::connect(address.trim()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = Vec::new();
        stream.read_to_end(&mut response).unwrap();
        response
    };
    let fetch = workload::task::Fetch {
        bytes: 1000,
        delay_ns: 20_000_000,
        seed: 5,
    };
    let start = Instant::now();
    let response = exchange(&String::from_utf8(fetch.request()).unwrap());
    assert!(
        start.elapsed() >= Duration::from_millis(20),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(
        fetch.body(response).unwrap(),
        workload::value::bytes(5, 1000)
    );
    // None, a piece, more than a piece, and a partial one.
    for bytes in [0, 65_536, 200_001] {
        let fetch = workload::task::Fetch {
            bytes,
            delay_ns: 0,
            seed: 5,
        };
        let response = exchange(&String::from_utf8(fetch.request()).unwrap());
        assert_eq!(
            fetch.body(response).unwrap(),
            workload::value::bytes(5, bytes as usize)
        );
    }
    a_log_grows(folder.path(), &exchange);
    assert!(exchange("GET /nothing HTTP/1.1\r\n\r\n").starts_with(b"HTTP/1.1 400 "));
    drop(origin.stdin.take());
    let deadline = Instant::now() + Duration::from_secs(10);
    while origin.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "the server outlives its input");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Bad data from a file or from the origin server is answered by `failed`, and the runner
/// continues.
#[test]
fn inputs_and_server_that_ask_for_too_much_are_failures() {
    let (folder, path) = inputs_file("fetch = \"5B\"", 1);
    let good = std::fs::read_to_string(&path).unwrap();
    let mut runner = Runner::start();
    for (right, wrong) in [
        ("\"map\"", "{\"histogram\":{\"keys\":0}}"),
        ("\"map\"", "{\"histogram\":{\"keys\":18446744073709551615}}"),
        ("\"bytes\":5", "\"bytes\":70368744177664"),
        ("\"delay_ns\":0", "\"delay_ns\":18446744073709551615"),
    ] {
        assert!(good.contains(right), "{right} in {good}");
        std::fs::write(&path, good.replace(right, wrong)).unwrap();
        let reply = runner.ask(load(&path));
        assert_eq!(reply["reply"], "failed", "{wrong}: {reply}");
    }
    // A server that names the inputs, and another file of that folder with the length of the log.
    let (_tails, path) = inputs_file("tail = \"32B\"", 1);
    let victim = folder.path().join("victim");
    std::fs::write(&victim, [b'x'; 32]).unwrap();
    for victim in [&path, &victim] {
        let before = std::fs::read(victim).unwrap();
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = server.local_addr().unwrap().to_string();
        let answer = workload::task::answer(victim).unwrap();
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        });
        let request = json!({"request": "load", "inputs": path, "files": null, "origin": origin, "variant": "", "workers": 2});
        assert_eq!(runner.ask(request)["reply"], "loaded");
        let reply = runner.ask(json!({"request": "sample"}));
        assert_eq!(reply["reply"], "failed", "{reply}");
        assert_eq!(std::fs::read(victim).expect("it is still there"), before);
        answering.join().unwrap();
    }
}

/// The log is in the server's folder and grows over the requested time; its reader has removed it.
fn a_log_grows(folder: &std::path::Path, exchange: &impl Fn(&str) -> Vec<u8>) {
    let log = workload::task::Log {
        bytes: 32 * 500,
        over_ns: 50_000_000,
        seed: 5,
    };
    let over = Duration::from_nanos(log.over_ns);
    let start = Instant::now();
    let answer = exchange(&String::from_utf8(log.request()).unwrap());
    let mut tail = log.tail(answer, folder).unwrap();
    assert_eq!(tail.path().parent(), Some(folder));
    let mut seen = 0;
    while !tail.ended() {
        tail = tail.look().unwrap();
        seen += tail.fresh().len() as u64;
        assert!(!tail.ended() || start.elapsed() >= over);
        std::thread::sleep(workload::task::LOOK);
    }
    assert_eq!(seen, log.bytes);
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
}
