//! The Python of the Items' pages, run by the interpreter of this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

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

/// Waits for the program, and ends it with its children when it takes too long.
fn finish(mut child: Child, program: &Path) -> Output {
    let deadline = Instant::now() + PATIENCE;
    while child
        .try_wait()
        .expect("the program can be waited for")
        .is_none()
    {
        if Instant::now() > deadline {
            let group = i32::try_from(child.id())
                .ok()
                .and_then(rustix::process::Pid::from_raw);
            let group = group.expect("a process id");
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            let _ = child.wait();
            panic!("{} hangs", program.display());
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().expect("the program has ended")
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
    use std::os::unix::process::CommandExt as _;

    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("left out: there is no python3");
        return;
    }
    // All at once: most of them wait.
    let children: Vec<(PathBuf, Child)> = programs()
        .into_iter()
        .map(|program| {
            let child = Command::new("python3")
                .arg("-B")
                .arg(&program)
                .arg(SECOND)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .process_group(0)
                .spawn()
                .expect("python3 starts");
            (program, child)
        })
        .collect();
    let mut failed = Vec::new();
    for (program, child) in children {
        let output = finish(child, &program);
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            failed.push(format!("{}: {}\n{said}", program.display(), output.status));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
