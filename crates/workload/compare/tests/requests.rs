//! The program `requests` with servers that stall, lie or go away.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tempfile::TempDir;
use workload::definition::parse;
use workload::inputs::{self, Inputs, make};
use workload::model::{Batch, Model};
use workload::sequential::Sequential;
use workload::serve::{Order, Readiness, Report, Service, listen};
use workload::task::Surroundings;
use workload::value::digest_outputs;

const PATIENCE: Duration = Duration::from_secs(60);

/// The program, and a folder for inputs.
struct Requests {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Requests {
    fn start() -> Requests {
        let mut child = Command::new(env!("CARGO_BIN_EXE_requests"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        Requests {
            child,
            address: line.trim().parse().expect("an address"),
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn inputs(&self, serve: &str) -> (PathBuf, Inputs) {
        self.inputs_of(serve, "compute = \"1us\"")
    }

    fn inputs_of(&self, serve: &str, step: &str) -> (PathBuf, Inputs) {
        let text = format!(
            "name = \"requests\"\npattern = \"serve\"\ntasks = 5\n[serve]\n{serve}\n[[step]]\n{step}\n"
        );
        let inputs = make(&parse(&text, "requests").expect("a definition"), 10);
        let path = self.folder.path().join("inputs.jsonl");
        let mut lines = Vec::new();
        inputs::write(&inputs, &mut lines).expect("room");
        std::fs::write(&path, lines).expect("a file");
        (path, inputs)
    }

    fn run(&self, inputs: &Path, server: SocketAddr) -> Report {
        let order = Order {
            inputs: inputs.to_owned(),
            server,
        };
        let ordered = order.send(self.address).expect("it listens");
        ordered.report(PATIENCE).expect("a report")
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        // It exits at the end of its input.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A server with one thread that serves one request after the other, like `sequential`. It stalls
/// before the request with this number.
fn serve(inputs: Inputs, stall: Option<(usize, Duration)>) -> (SocketAddr, JoinHandle<()>) {
    let listener = listen().expect("a port");
    let address = listener.local_addr().expect("bound");
    let batch = Arc::new(Batch::new(Arc::new(inputs), Surroundings::default()));
    let server = thread::spawn(move || {
        let service = Arc::new(Service::new(batch).expect("the pattern serve"));
        let sessions = Readiness::accept(service, &listener).expect("all sessions");
        let mut number = 0;
        while let Some(session) = sessions.next() {
            if let Some((at, time)) = stall
                && number == at
            {
                thread::sleep(time);
            }
            number += 1;
            sessions.serve(session);
        }
    });
    (address, server)
}

/// A server that answers each line of each session with this function.
fn scripted(
    sessions: usize,
    answer: impl Fn(usize, &str) -> Option<String> + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().take(sessions) {
            let (mut stream, answer) = (stream.expect("a session"), Arc::clone(&answer));
            thread::spawn(move || talk(&mut stream, &*answer));
        }
    });
    address
}

fn talk(stream: &mut TcpStream, answer: &dyn Fn(usize, &str) -> Option<String>) {
    let lines = BufReader::new(stream.try_clone().expect("a handle")).lines();
    for (number, line) in lines.map_while(Result::ok).enumerate() {
        match answer(number, &line) {
            Some(text) => {
                let _ = stream.write_all(text.as_bytes());
            }
            None => return,
        }
    }
}

fn failed(report: Report) -> String {
    match report {
        Report::Failed { error } => error,
        Report::Done { .. } => panic!("it should have failed: {report:?}"),
    }
}

#[test]
fn all_requests_are_made_and_the_digest_is_that_of_the_tasks() {
    let requests = Requests::start();
    for settings in [
        "sessions = 3\nrate = 500\nseconds = 0.1",
        "sessions = 20\nrate = 30\nseconds = 0.1",
        "sessions = 4\nrate = 200\nseconds = 0.1\ntalk = \"guess\"",
    ] {
        let (path, inputs) = requests.inputs(settings);
        let (address, server) = serve(inputs.clone(), None);
        let report = requests.run(&path, address);
        server.join().expect("it ends with its sessions");
        let Report::Done {
            digest,
            wall_ns,
            metrics,
        } = report
        else {
            panic!("{report:?}");
        };
        let batch = Arc::new(Batch::new(Arc::new(inputs), Surroundings::default()));
        let outputs = Sequential.run(&mut (), &batch);
        assert_eq!(
            digest,
            digest_outputs(outputs.into_iter().map(Result::unwrap))
        );
        assert!(wall_ns > 0 && metrics["response_p50_ns"] <= metrics["response_p99_ns"]);
        assert!(metrics["response_p99_ns"] <= metrics["response_max_ns"]);
    }
}

/// A client that waits for an answer before it asks again would report only one slow request.
#[test]
fn stall_counts_for_all_requests_meanwhile() {
    const STALL: Duration = Duration::from_millis(300);
    let requests = Requests::start();
    // A thousand requests in a second. The server is stalled during 0.3 s of them.
    let (path, inputs) = requests.inputs("sessions = 50\nrate = 1000\nseconds = 1");
    let (address, server) = serve(inputs, Some((300, STALL)));
    let report = requests.run(&path, address);
    server.join().expect("it ends with its sessions");
    let Report::Done { metrics, .. } = report else {
        panic!("{report:?}");
    };
    let ms = |name: &str| metrics[name] / 1e6;
    // The whole stall, except for the precision of the histogram.
    assert!(ms("response_max_ns") >= 299.0, "{metrics:?}");
    // One in three of the 300 waits for at least 200 ms: a tenth of all.
    assert!(ms("response_p90_ns") >= 190.0, "{metrics:?}");
}

#[test]
fn wrong_answers_are_found() {
    let requests = Requests::start();
    let tasks = "sessions = 1\nrate = 100\nseconds = 0.1";
    let guess = "sessions = 1\nrate = 100\nseconds = 0.1\ntalk = \"guess\"";
    let number = |line: &str, text: &str| {
        let text = if line == "NUMBER" { text } else { "" };
        Some(text.to_owned())
    };
    let (path, _) = requests.inputs(tasks);
    let error = failed(requests.run(&path, scripted(1, |n, _| Some(format!("{n:016x}\n")))));
    assert!(error.contains("was answered with"), "{error}");
    let error = failed(requests.run(&path, scripted(1, |_, _| Some("42\n".into()))));
    assert!(error.contains("is not 16 hex digits"), "{error}");
    let error = failed(requests.run(&path, scripted(1, |_, _| Some("ERROR no\n".into()))));
    assert!(error.contains("ERROR no"), "{error}");
    let error = failed(requests.run(&path, scripted(1, |_, _| Some("1\n2\n3\n".repeat(9)))));
    assert!(error.contains("is not 16 hex digits"), "{error}");
    let error = failed(requests.run(&path, scripted(1, |_, _| None)));
    assert!(
        error.contains("closed a session") || error.contains("broke"),
        "{error}"
    );

    let (path, _) = requests.inputs(guess);
    let error = failed(requests.run(&path, scripted(1, move |_, line| number(line, "0\n"))));
    assert!(error.contains("is out of bounds"), "{error}");
    let error = failed(requests.run(&path, scripted(1, move |_, line| number(line, "soon\n"))));
    assert!(error.contains("is not a number"), "{error}");
    // A server that repeats a guess finds no other secret.
    let error = failed(requests.run(&path, scripted(1, move |_, line| number(line, "3\n"))));
    assert!(error.contains("was made before in this round"), "{error}");
}

#[test]
fn answer_before_the_wait_of_its_task_is_wrong() {
    let requests = Requests::start();
    for talk in ["tasks", "guess"] {
        let settings = format!("sessions = 1\nrate = 100\nseconds = 0.1\ntalk = \"{talk}\"");
        let (path, inputs) = requests.inputs_of(&settings, "wait = \"1s\"");
        // The same tasks without the wait.
        let (_, hasty) = requests.inputs(&settings);
        let (address, server) = serve(hasty, None);
        // It reads the inputs with the wait, as ordered.
        let mut lines = Vec::new();
        inputs::write(&inputs, &mut lines).expect("room");
        std::fs::write(&path, lines).expect("a file");
        let error = failed(requests.run(&path, address));
        server.join().expect("it ends with its sessions");
        assert!(
            error.contains("wrong answer: task 0 was answered after"),
            "{error}"
        );
    }
}

#[test]
fn missing_server_and_invalid_order_are_errors() {
    let requests = Requests::start();
    let (path, _) = requests.inputs("sessions = 2");
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = gone.local_addr().expect("bound");
    drop(gone);
    let error = failed(requests.run(&path, address));
    assert!(error.contains("session 0 of 2 cannot be opened"), "{error}");
    let error = failed(requests.run(Path::new("/no such file"), address));
    assert!(error.contains("/no such file"), "{error}");
    let mut stream = TcpStream::connect(requests.address).expect("it listens");
    stream.write_all(b"hello\n").expect("open");
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).expect("a line");
    assert!(line.contains("this is not an order"), "{line}");
}
