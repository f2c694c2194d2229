//! The Python of the Items' pages, run by the interpreter of this machine.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// Longer than any of the programs takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// The programs take this many of their seconds for one.
const SECOND: &str = "0.1";

fn programs() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a workspace");
    let entries = fs::read_dir(root.join("docs/items")).expect("the pages of the Items");
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            let name = path.file_name().expect("a name").to_string_lossy();
            name.starts_with("item_") && name.ends_with(".py")
        })
        .collect();
    found.sort();
    found
}

/// A program in a process group of its own. Dropping it ends the group.
struct Running {
    name: String,
    child: Child,
    is_reaped: bool,
}

impl Running {
    fn start(name: String, command: &mut Command) -> Self {
        let child = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("the program starts");
        Self {
            name,
            child,
            is_reaped: false,
        }
    }

    fn id(&self) -> Pid {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        id.expect("a process id")
    }

    /// Does not reap it, so that no other group gets its id.
    fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let ended = waitid(WaitId::Pid(self.id()), options);
        ended.expect("a child can be waited for").is_some()
    }

    /// Ends the group.
    fn kill(&mut self) -> ExitStatus {
        let _ = kill_process_group(self.id(), Signal::KILL);
        self.is_reaped = true;
        self.child.wait().expect("a child can be waited for")
    }

    /// Waits for the end. `Err` says how it failed, or that it hangs.
    fn finish(mut self, deadline: Instant) -> Result<(), String> {
        while !self.has_ended() {
            if Instant::now() > deadline {
                return Err(format!("{} hangs", self.name));
            }
            thread::sleep(Duration::from_millis(10));
        }
        // Before the pipe is read, which a process that the program has left may hold open.
        let status = self.kill();
        if status.success() {
            return Ok(());
        }
        let mut said = String::new();
        let mut stderr = self.child.stderr.take().expect("a pipe");
        stderr.read_to_string(&mut said).expect("UTF-8");
        Err(format!("{}: {status}\n{said}", self.name))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_reaped {
            self.kill();
        }
    }
}

/// How those failed that did. All have the same deadline, since they run at the same time.
fn failures(running: Vec<Running>, patience: Duration) -> Vec<String> {
    let deadline = Instant::now() + patience;
    let results = running.into_iter().map(|one| one.finish(deadline));
    results.filter_map(Result::err).collect()
}

#[test]
fn every_item_from_52_to_64_has_a_program() {
    let names: Vec<String> = programs()
        .iter()
        .map(|path| {
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let expected: Vec<String> = (52..=64).map(|item| format!("item_{item}")).collect();
    assert_eq!(names, expected);
}

#[test]
fn python_of_each_item_holds_its_assertions() {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("left out: there is no python3");
        return;
    }
    // All at once: most of them wait.
    let running = programs()
        .into_iter()
        .map(|program| {
            let mut command = Command::new("python3");
            command.arg("-B").arg(&program).arg(SECOND);
            command.stdout(Stdio::null());
            Running::start(program.display().to_string(), &mut command)
        })
        .collect();
    let failed = failures(running, PATIENCE);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn hanging_programs_are_ended_and_the_others_reported() {
    // Its other end is open as long as a process of the groups lives.
    let (mut reader, writer) = io::pipe().expect("a pipe");
    let running: Vec<Running> = ["sleep 600 & wait", "echo why >&2; exit 3", "sleep 600"]
        .iter()
        .map(|script| {
            let mut shell = Command::new("sh");
            shell.args(["-c", script]);
            shell.stdout(writer.try_clone().expect("a descriptor"));
            Running::start((*script).to_owned(), &mut shell)
        })
        .collect();
    drop(writer);
    let deadline = Instant::now() + PATIENCE;
    while !running[1].has_ended() {
        assert!(Instant::now() < deadline, "it does not end");
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(
        failures(running, Duration::ZERO),
        [
            "sleep 600 & wait hangs",
            "echo why >&2; exit 3: exit status: 3\nwhy\n",
            "sleep 600 hangs",
        ]
    );
    let (sender, all_have_ended) = mpsc::channel();
    thread::spawn(move || sender.send(reader.read(&mut [0]).expect("a pipe")));
    assert_eq!(all_have_ended.recv_timeout(PATIENCE), Ok(0));
}
