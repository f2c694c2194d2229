//! [`Lab`]: hosts in network namespaces of their own, with a bridge between them.

use std::fs::File;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fd::AsFd;
use rustix::process::geteuid;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tempfile::TempDir;

use crate::server::program;
use crate::{SERVER, WORKER};

/// Where `ip` keeps the namespaces that it names.
const NAMESPACES: &str = "/run/netns";

/// The hosts of a lab. Each has the address 10.77.0.N, in its own namespace only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Host {
    Server = 1,
    Caller = 2,
    Worker1 = 11,
    Worker2 = 12,
    Worker3 = 13,
}

const WORKERS: [Host; 3] = [Host::Worker1, Host::Worker2, Host::Worker3];
const HOSTS: [Host; 5] = [
    Host::Server,
    Host::Caller,
    Host::Worker1,
    Host::Worker2,
    Host::Worker3,
];

/// The hosts, their processes and the cables between them. Removed when dropped.
pub(crate) struct Lab {
    /// The beginning of the names of its namespaces.
    prefix: String,
    server: Option<Child>,
    workers: Vec<(Host, Child)>,
    folder: TempDir,
}

impl Lab {
    /// Starts a server, and a worker with two slots on each of three hosts. Says why it cannot
    /// where it cannot.
    pub(crate) fn start() -> Option<Self> {
        static LABS: AtomicU32 = AtomicU32::new(0);
        let skipped = |why: &str| {
            eprintln!("skipped: {why}");
            None
        };
        if !geteuid().is_root() {
            return skipped("network namespaces are made by root");
        }
        if program().is_none() {
            return skipped("no nats-server (apt-get install nats-server)");
        }
        let number = LABS.fetch_add(1, Ordering::Relaxed);
        let mut lab = Self {
            prefix: format!("cluster-{}-{number}", std::process::id()),
            server: None,
            workers: Vec::new(),
            folder: tempfile::tempdir().expect("a folder"),
        };
        if let Err(why) = lab.wire() {
            return skipped(&format!("no network namespaces: {why}"));
        }
        lab.start_server();
        for host in WORKERS {
            lab.start_worker(host);
        }
        Some(lab)
    }

    fn namespace(&self, host: Host) -> String {
        format!("{}-{}", self.prefix, host as u8)
    }

    fn switch(&self) -> String {
        format!("{}-switch", self.prefix)
    }

    /// Makes the namespaces, a bridge in one of them, and a cable from it to each host.
    fn wire(&self) -> Result<(), String> {
        let switch = self.switch();
        ip(&format!("netns add {switch}"))?;
        ip(&format!("-n {switch} link add bridge0 type bridge"))?;
        ip(&format!("-n {switch} link set bridge0 up"))?;
        for host in HOSTS {
            let (name, number) = (self.namespace(host), host as u8);
            ip(&format!("netns add {name}"))?;
            ip(&format!(
                "-n {switch} link add port{number} type veth peer name eth0 netns {name}"
            ))?;
            ip(&format!(
                "-n {switch} link set port{number} master bridge0 up"
            ))?;
            ip(&format!("-n {name} addr add 10.77.0.{number}/24 dev eth0"))?;
            ip(&format!("-n {name} link set eth0 up"))?;
            ip(&format!("-n {name} link set lo up"))?;
        }
        Ok(())
    }

    /// Pulls the cable of a host, or plugs it in.
    pub(crate) fn plug(&self, host: Host, is_in: bool) {
        let (switch, number) = (self.switch(), host as u8);
        let state = if is_in { "up" } else { "down" };
        ip(&format!("-n {switch} link set port{number} {state}")).expect("a cable");
    }

    /// Limits what a host sends, in kilobits a second. Says so where the kernel cannot.
    pub(crate) fn throttle(&self, host: Host, kbit: u32) {
        let name = self.namespace(host);
        let limit = format!("root tbf rate {kbit}kbit burst 4kb latency 400ms");
        if let Err(why) = run("tc", &format!("-n {name} qdisc add dev eth0 {limit}")) {
            eprintln!("not throttled: {why}");
        }
    }

    fn inside(&self, host: Host, program: &Path) -> Command {
        let mut command = Command::new("ip");
        let name = self.namespace(host);
        command.args(["netns", "exec", &name]).arg(program);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// Starts the server, which keeps jobs in memory, and waits until the caller reaches it.
    pub(crate) fn start_server(&mut self) {
        let log = File::create(self.folder.path().join("log")).expect("a log");
        let mut command = self.inside(Host::Server, &program().expect("a server"));
        // All addresses of its namespace, which are the two that the lab gave it.
        command.args(["-js", "-a", "0.0.0.0", "-p", &SERVER.port().to_string()]);
        command.arg("-sd").arg(self.folder.path().join("data"));
        command.stderr(log);
        self.server = Some(command.spawn().expect("the server starts"));
        self.on(Host::Caller, || {
            let deadline = Instant::now() + Duration::from_secs(30);
            while TcpStream::connect_timeout(&SERVER, Duration::from_secs(1)).is_err() {
                assert!(Instant::now() < deadline, "the server does not start");
                thread::sleep(Duration::from_millis(20));
            }
        });
    }

    pub(crate) fn kill_server(&mut self) {
        self.server.take().iter_mut().for_each(end);
    }

    fn start_worker(&mut self, host: Host) {
        let mut command = self.inside(host, &std::env::current_exe().expect("this binary"));
        command.args(["--exact", "worker_process", "--nocapture"]);
        command.env(WORKER, format!("nats://{SERVER}"));
        command.stderr(Stdio::null());
        let child = command.spawn().expect("a worker starts");
        self.workers.push((host, child));
    }

    /// The process of a host's worker: `ip` has become it.
    pub(crate) fn worker(&self, host: Host) -> &Child {
        let mut workers = self.workers.iter();
        let found = workers.find(|(found, _)| *found == host);
        &found.expect("it has a worker").1
    }

    /// A host is gone without a farewell: its cable first, and then its processes.
    pub(crate) fn vanish(&mut self, host: Host) {
        self.plug(host, false);
        let mut workers = self.workers.iter_mut();
        if let Some((_, child)) = workers.find(|(found, _)| *found == host) {
            end(child);
        }
    }

    /// Runs `work` on a thread of the host; the threads that it starts stay there.
    pub(crate) fn on<T: Send>(&self, host: Host, work: impl FnOnce() -> T + Send) -> T {
        let path = Path::new(NAMESPACES).join(self.namespace(host));
        let namespace = File::open(path).expect("the namespace");
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let network = Some(LinkNameSpaceType::Network);
                move_into_link_name_space(namespace.as_fd(), network).expect("root may");
                work()
            });
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.kill_server();
        self.workers.iter_mut().for_each(|(_, child)| end(child));
        let names = HOSTS.map(|host| self.namespace(host));
        for name in names.into_iter().chain([self.switch()]) {
            let _ = ip(&format!("netns del {name}"));
        }
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn ip(words: &str) -> Result<(), String> {
    run("ip", words)
}

/// Runs a program with these words, and returns its complaint if it fails.
fn run(program: &str, words: &str) -> Result<(), String> {
    let output = Command::new(program)
        .args(words.split_whitespace())
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} {words}: {}", complaint.trim()))
}
