//! The private channel between the comparison and `requests`: accepted orders, and the recipient of
//! the verdict.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use workload::definition::parse;
use workload::inputs::{self, make};
use workload::model::{Batch, Model};
use workload::sequential::Sequential;
use workload::serve::control::{Answer, Command};
use workload::serve::{Order, Report, Service, listen};
use workload::task::Surroundings;

const PATIENCE: Duration = Duration::from_secs(60);

/// The program, under the control of this one.
struct Requests {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    folder: TempDir,
}

impl Requests {
    fn start() -> Requests {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_requests"))
            .arg("--control")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        Requests {
            to: child.stdin.take().expect("a pipe"),
            from: BufReader::new(child.stdout.take().expect("a pipe")),
            child,
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn ask(&mut self, command: &Command) -> Answer {
        let line = serde_json::to_string(command).expect("JSON");
        writeln!(self.to, "{line}").expect("it reads");
        let mut answer = String::new();
        self.from.read_line(&mut answer).expect("it answers");
        serde_json::from_str(&answer).expect("an answer")
    }

    fn inputs(&self) -> PathBuf {
        let text = "name = \"requests\"\npattern = \"serve\"\ntasks = 5\n[serve]\nsessions = 2\nrate = 100\nseconds = 0.1\n\
                    [[step]]\nwait = \"1ms\"\n";
        let inputs = make(&parse(text, "requests").expect("a definition"), 10);
        let path = self.folder.path().join("inputs.jsonl");
        let mut lines = Vec::new();
        inputs::write(&inputs, &mut lines).expect("room");
        std::fs::write(&path, lines).expect("a file");
        path
    }

    fn open(&mut self, inputs: &Path) -> (u64, SocketAddr) {
        let inputs = inputs.to_owned();
        match self.ask(&Command::Open { inputs }) {
            Answer::Opened { id, address } => (id, address),
            other => panic!("{other:?}"),
        }
    }

    fn begin(&mut self, id: u64, runner: u32) {
        assert_eq!(
            self.ask(&Command::Begin { id, runner }),
            Answer::Begun { id }
        );
    }

    fn end(&mut self, id: u64) -> Option<Report> {
        match self.ask(&Command::End { id }) {
            Answer::Ended { report, .. } => report,
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn server(inputs: &Path) -> (SocketAddr, JoinHandle<()>) {
    let inputs = inputs::read(inputs).expect("inputs");
    let listener = listen().expect("a port");
    let address = listener.local_addr().expect("bound");
    let batch = Arc::new(Batch::new(Arc::new(inputs), Surroundings::default()));
    let served = thread::spawn(move || {
        let service = Arc::new(Service::new(batch).expect("the pattern serve"));
        let done = Sequential.serve(&mut (), &service, listener);
        done.expect("it serves to the end");
    });
    (address, served)
}

fn order(requests: SocketAddr, server: SocketAddr) -> Report {
    let inputs = PathBuf::from("/not/what/it/was/given");
    let ordered = Order { inputs, server }.send(requests).expect("it listens");
    ordered.report(PATIENCE).expect("a report")
}

#[test]
fn verdict_reaches_comparison_and_contestant() {
    let mut requests = Requests::start();
    let inputs = requests.inputs();
    let (id, address) = requests.open(&inputs);
    requests.begin(id, std::process::id());
    let (server, served) = server(&inputs);
    let told = order(address, server);
    served.join().expect("it ends with its sessions");
    let Report::Done { metrics, .. } = &told else {
        panic!("{told:?}");
    };
    assert!(metrics["response_p99_ns"] >= 1e6, "{metrics:?}");
    assert_eq!(requests.end(id), Some(told));
}

#[test]
fn one_order_counts_in_each_sample_and_none_outside() {
    let mut requests = Requests::start();
    let inputs = requests.inputs();
    let (id, address) = requests.open(&inputs);
    requests.begin(id, std::process::id());
    assert_eq!(requests.end(id), None, "none was ordered");
    // Between two samples.
    let early = Order {
        inputs: inputs.clone(),
        server: address,
    };
    let early = early.send(address).expect("it listens");
    requests.begin(id, std::process::id());
    early.report(PATIENCE).expect_err("it is not read");
    let (first, served) = server(&inputs);
    let told = order(address, first);
    served.join().expect("it ends with its sessions");
    let again = order(address, first);
    let Report::Failed { error } = again else {
        panic!("{again:?}");
    };
    assert!(error.contains("this is the second"), "{error}");
    assert_eq!(requests.end(id), Some(told), "the first one");
    assert!(matches!(
        requests.ask(&Command::End { id }),
        Answer::Refused { .. }
    ));
}

#[test]
fn requests_end_with_their_sample() {
    let mut requests = Requests::start();
    let inputs = requests.inputs();
    let (id, address) = requests.open(&inputs);
    requests.begin(id, std::process::id());
    // Accepts and never answers.
    let silent = listen().expect("a port");
    let server = silent.local_addr().expect("bound");
    let ordered = Order { inputs, server }.send(address).expect("it listens");
    let mut sessions = Vec::new();
    while sessions.len() < 2 {
        sessions.push(silent.accept().expect("a session"));
    }
    let report = requests.end(id);
    assert!(matches!(report, Some(Report::Failed { .. })), "{report:?}");
    drop(ordered);
}

/// Connects again and again without sending anything, and counts, until it is stopped. Keeps the
/// newest connections open.
fn flood(requests: SocketAddr, count: &AtomicUsize, is_over: &AtomicBool) {
    let deadline = Instant::now() + PATIENCE;
    let mut open = VecDeque::new();
    while !is_over.load(Ordering::SeqCst) && Instant::now() < deadline {
        // Once the backlog is full an attempt takes until its timeout.
        if let Ok(stream) = TcpStream::connect_timeout(&requests, Duration::from_millis(50)) {
            open.push_back(stream);
            count.fetch_add(1, Ordering::SeqCst);
        }
        if open.len() > 100 {
            open.pop_front();
        }
    }
}

#[test]
fn sample_ends_while_the_contestant_keeps_connecting() {
    let mut requests = Requests::start();
    let inputs = requests.inputs();
    let (id, address) = requests.open(&inputs);
    let (count, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let flooding = scope.spawn(|| flood(address, &count, &is_over));
        for _ in 0..3 {
            requests.begin(id, std::process::id());
            let begun = count.load(Ordering::SeqCst);
            while count.load(Ordering::SeqCst) < begun + 10 && !flooding.is_finished() {
                thread::sleep(Duration::from_millis(1));
            }
            let report = requests.end(id);
            let is_done = matches!(report, Some(Report::Done { .. }));
            assert!(!is_done, "{report:?}");
        }
        let has_waited = flooding.is_finished();
        assert!(!has_waited, "it ended after the last connection");
        is_over.store(true, Ordering::SeqCst);
    });
    requests.begin(id, std::process::id());
    let (server, served) = server(&inputs);
    let told = order(address, server);
    served.join().expect("it ends with its sessions");
    assert_eq!(requests.end(id), Some(told), "it works as before");
}

/// Waits until some process tries to connect to this address.
#[cfg(target_os = "linux")]
fn wait_for_attempt(server: SocketAddr) {
    // The port of the remote address, and the state SYN_SENT.
    let attempt = format!(":{:04X} 02 ", server.port());
    let deadline = Instant::now() + PATIENCE;
    while !std::fs::read_to_string("/proc/net/tcp").is_ok_and(|table| table.contains(&attempt)) {
        assert!(Instant::now() < deadline, "nothing connects to {server}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn sample_ends_while_the_server_takes_no_session() {
    let mut requests = Requests::start();
    let inputs = requests.inputs();
    let (id, address) = requests.open(&inputs);
    requests.begin(id, std::process::id());
    // The backlog is full, so connecting would take until its timeout.
    let full = TcpListener::bind("127.0.0.1:0").expect("a port");
    rustix::net::listen(&full, 0).expect("a backlog");
    let server = full.local_addr().expect("bound");
    let fill = || TcpStream::connect_timeout(&server, Duration::from_millis(200));
    let held: Vec<TcpStream> = std::iter::from_fn(|| fill().ok()).collect();
    let ordered = Order { inputs, server }.send(address).expect("it listens");
    wait_for_attempt(server);
    let began = Instant::now();
    let report = requests.end(id);
    let took = began.elapsed();
    let text = format!("{report:?}");
    assert!(text.contains("cannot be opened"), "{text}");
    // Opening a session may take 10 s, and closing the others 30 s more. The comparison waits 30 s.
    assert!(took < Duration::from_secs(30), "{took:?}");
    drop((ordered, held));
}

#[cfg(target_os = "linux")]
#[test]
fn accepting_pauses_without_a_free_descriptor() {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let mut requests = Requests::start();
    let inputs = requests.inputs();
    let (id, address) = requests.open(&inputs);
    requests.begin(id, std::process::id());
    let (server, served) = server(&inputs);
    let process = Pid::from_child(&requests.child);
    let before = rustix::process::getrlimit(Resource::Nofile);
    let limit = |current: Option<u64>| {
        let new = Rlimit {
            current,
            maximum: before.maximum,
        };
        prlimit(Some(process), Resource::Nofile, new).expect("it is ours")
    };
    limit(Some(3));
    let ordered = Order { inputs, server }.send(address).expect("it listens");
    // A thread that pauses gives up its processor; one that tries again at once does not.
    let before_pauses = pauses(requests.child.id());
    let deadline = Instant::now() + PATIENCE;
    while pauses(requests.child.id()) < before_pauses + 5 {
        assert!(Instant::now() < deadline, "it does not pause");
        thread::sleep(Duration::from_millis(20));
    }
    limit(before.maximum);
    let told = ordered.report(PATIENCE).expect("a report");
    served.join().expect("it ends with its sessions");
    assert!(matches!(told, Report::Done { .. }), "{told:?}");
    assert_eq!(requests.end(id), Some(told));
}

/// The voluntary context switches of a process's threads.
#[cfg(target_os = "linux")]
fn pauses(process: u32) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).expect("it runs");
    let of_thread = |status: String| {
        let mut lines = status.lines();
        let count = lines.find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        count.and_then(|count| count.trim().parse::<u64>().ok())
    };
    threads
        .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("status")).ok())
        .filter_map(of_thread)
        .sum()
}

/// Starts a process that is sampled and orders requests for this server. Returns the answer.
#[cfg(target_os = "linux")]
fn order_from_another_process(
    requests: &mut Requests,
    id: u64,
    server: SocketAddr,
    to: SocketAddr,
) -> String {
    let line = format!(
        "read go; exec 3<>/dev/tcp/127.0.0.1/{}; echo '{{\"inputs\":\"x\",\"server\":\"{server}\"}}' >&3; cat <&3",
        to.port()
    );
    let sampled = std::process::Command::new("bash")
        .args(["-c", &line])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut sampled = sampled.expect("bash starts");
    requests.begin(id, sampled.id());
    let mut go = sampled.stdin.take().expect("a pipe");
    go.write_all(b"go\n").expect("it reads");
    let said = sampled.wait_with_output().expect("it ends");
    String::from_utf8_lossy(&said.stdout).into_owned()
}

#[cfg(target_os = "linux")]
#[test]
fn requests_cannot_be_ordered_for_a_foreign_server() {
    let mut requests = Requests::start();
    let inputs = requests.inputs();
    let (id, address) = requests.open(&inputs);
    // A contestant that is not being sampled, and a program that is not a contestant.
    let mut other = Requests::start();
    let (_, door) = other.open(&inputs);
    let wildcard = TcpListener::bind("0.0.0.0:0").expect("a port");
    let port = wildcard.local_addr().expect("bound").port();
    for server in [door, SocketAddr::from(([127, 0, 0, 1], port))] {
        let said = order_from_another_process(&mut requests, id, server, address);
        assert!(
            said.contains("the server belongs to another contestant"),
            "{said}"
        );
        let report = requests.end(id);
        assert!(matches!(report, Some(Report::Failed { .. })), "{report:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn another_contestant_cannot_order() {
    let mut requests = Requests::start();
    let inputs = requests.inputs();
    let (id, address) = requests.open(&inputs);
    let mut sampled = std::process::Command::new("sleep")
        .arg("1000")
        .spawn()
        .expect("sleep starts");
    requests.begin(id, sampled.id());
    let line = format!(
        "exec 3<>/dev/tcp/127.0.0.1/{}; echo '{{\"inputs\":\"x\",\"server\":\"{address}\"}}' >&3; cat <&3",
        address.port()
    );
    let other = std::process::Command::new("bash")
        .args(["-c", &line])
        .output();
    let said = String::from_utf8_lossy(&other.expect("bash starts").stdout).into_owned();
    let report = requests.end(id);
    sampled.kill().expect("it is ours");
    sampled.wait().expect("it ends");
    assert!(said.contains("belongs to another contestant"), "{said}");
    assert_eq!(report, None);
}
