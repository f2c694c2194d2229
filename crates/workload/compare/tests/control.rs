//! The private channel between the comparison and the load: accepted orders, and the recipient of
//! the verdict.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

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
struct Load {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    folder: TempDir,
}

impl Load {
    fn start() -> Load {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_load"))
            .arg("--control")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        Load {
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
        let text = "name = \"load\"\npattern = \"serve\"\ntasks = 5\n[serve]\nsessions = 2\nrate = 100\nseconds = 0.1\n\
                    [[step]]\nwait = \"1ms\"\n";
        let inputs = make(&parse(text, "load").expect("a definition"), 10);
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

impl Drop for Load {
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

fn order(load: SocketAddr, server: SocketAddr) -> Report {
    let inputs = PathBuf::from("/not/what/it/was/given");
    let ordered = Order { inputs, server }.send(load).expect("it listens");
    ordered.report(PATIENCE).expect("a report")
}

#[test]
fn verdict_reaches_comparison_and_contestant() {
    let mut load = Load::start();
    let inputs = load.inputs();
    let (id, address) = load.open(&inputs);
    load.begin(id, std::process::id());
    let (server, served) = server(&inputs);
    let told = order(address, server);
    served.join().expect("it ends with its sessions");
    let Report::Done { metrics, .. } = &told else {
        panic!("{told:?}");
    };
    assert!(metrics["response_p99_ns"] >= 1e6, "{metrics:?}");
    assert_eq!(load.end(id), Some(told));
}

#[test]
fn one_order_counts_in_each_sample_and_none_outside() {
    let mut load = Load::start();
    let inputs = load.inputs();
    let (id, address) = load.open(&inputs);
    load.begin(id, std::process::id());
    assert_eq!(load.end(id), None, "none was ordered");
    // Between two samples.
    let early = Order {
        inputs: inputs.clone(),
        server: address,
    };
    let early = early.send(address).expect("it listens");
    load.begin(id, std::process::id());
    early.report(PATIENCE).expect_err("it is not read");
    let (first, served) = server(&inputs);
    let told = order(address, first);
    served.join().expect("it ends with its sessions");
    let again = order(address, first);
    let Report::Failed { error } = again else {
        panic!("{again:?}");
    };
    assert!(error.contains("this is the second"), "{error}");
    assert_eq!(load.end(id), Some(told), "the first one");
    assert!(matches!(
        load.ask(&Command::End { id }),
        Answer::Refused { .. }
    ));
}

#[test]
fn load_ends_with_its_sample() {
    let mut load = Load::start();
    let inputs = load.inputs();
    let (id, address) = load.open(&inputs);
    load.begin(id, std::process::id());
    // Accepts and never answers.
    let silent = listen().expect("a port");
    let server = silent.local_addr().expect("bound");
    let ordered = Order { inputs, server }.send(address).expect("it listens");
    let mut sessions = Vec::new();
    while sessions.len() < 2 {
        sessions.push(silent.accept().expect("a session"));
    }
    let report = load.end(id);
    assert!(matches!(report, Some(Report::Failed { .. })), "{report:?}");
    drop(ordered);
}

#[cfg(target_os = "linux")]
#[test]
fn another_contestant_cannot_order() {
    let mut load = Load::start();
    let inputs = load.inputs();
    let (id, address) = load.open(&inputs);
    let mut sampled = std::process::Command::new("sleep")
        .arg("1000")
        .spawn()
        .expect("sleep starts");
    load.begin(id, sampled.id());
    let line = format!(
        "exec 3<>/dev/tcp/127.0.0.1/{}; echo '{{\"inputs\":\"x\",\"server\":\"{address}\"}}' >&3; cat <&3",
        address.port()
    );
    let other = std::process::Command::new("bash")
        .args(["-c", &line])
        .output();
    let said = String::from_utf8_lossy(&other.expect("bash starts").stdout).into_owned();
    let report = load.end(id);
    sampled.kill().expect("it is ours");
    sampled.wait().expect("it ends");
    assert!(said.contains("belongs to another contestant"), "{said}");
    assert_eq!(report, None);
}
