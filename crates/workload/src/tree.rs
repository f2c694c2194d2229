//! The descendants of a process, from Linux's `/proc`. Other systems show none.

use std::fs;

/// The ids of all living descendants of a process, parents before children, without the process
/// itself. A descendant whose parent has ended was re-parented and is not found.
pub fn descendants(pid: u32) -> Vec<u32> {
    let mut found = children(pid);
    let mut next = 0;
    while next < found.len() {
        let below = children(found[next]);
        found.extend(below);
        next += 1;
    }
    found
}

/// The ids of the children of a process, zombies included.
pub fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for thread in threads.flatten() {
        // The thread may have ended since.
        let listed = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        found.extend(
            listed
                .split_ascii_whitespace()
                .filter_map(|id| id.parse::<u32>().ok()),
        );
    }
    found
}

/// The number of threads of a process; `None` if it has ended.
pub fn threads(pid: u32) -> Option<u64> {
    let fields = stat_fields(pid)?;
    fields.split_ascii_whitespace().nth(17)?.parse().ok()
}

/// The fields of `/proc/PID/stat` after the name of the program, starting with the state; `None` if
/// the process has ended.
pub fn stat_fields(pid: u32) -> Option<String> {
    // The name is in parentheses and may contain anything, including parentheses and invalid UTF-8.
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let name_ends = stat.iter().rposition(|byte| *byte == b')')?;
    String::from_utf8(stat[name_ends + 1..].to_vec()).ok()
}

/// A line of `/proc/PID/status` in kibibytes, such as `VmHWM`, converted to bytes.
pub fn status_bytes(pid: u32, field: &str) -> Option<u64> {
    // The file also contains the name of the program, which need not be UTF-8.
    let status = fs::read(format!("/proc/{pid}/status")).ok()?;
    let status = String::from_utf8_lossy(&status);
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.split_ascii_whitespace()
        .next()?
        .parse::<u64>()
        .ok()
        .map(|kibibytes| kibibytes * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::ffi::OsStr;
    use std::io::Read;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn process_is_seen_if_its_name_is_not_utf8() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join(OsStr::from_bytes(b"\xff) R (\xfe"));
        symlink("/bin/sh", &program).unwrap();
        // The program ends with its input.
        let mut child = Command::new(&program)
            .arg0("sh")
            .args(["-c", "echo; read line"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // The kernel sets its name a moment after its start.
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        let name = fs::read(format!("/proc/{}/comm", child.id())).unwrap();
        let seen = (threads(child.id()), status_bytes(child.id(), "VmRSS"));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(std::str::from_utf8(&name).is_err(), "{name:?}");
        assert_eq!(seen.0, Some(1));
        assert!(seen.1.is_some());
    }
}
