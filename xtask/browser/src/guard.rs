//! A shell that cleans up after the driver, even if this program is killed.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Waits for the end of its standard input, which is a pipe from this program and therefore ends
/// with it at the latest. Then it kills the process group and removes the folder.
const SCRIPT: &str = r#"
read -r _
kill -s KILL -- "-$1"
tries=0
until rm -rf -- "$2" 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 50 ] || exit 1
    sleep 0.1
done
"#;

/// The guard of one process group and one folder.
#[derive(Debug)]
pub(crate) struct Guard {
    shell: Child,
}

impl Guard {
    /// Starts a guard in a process group of its own, out of reach of Ctrl-C.
    pub(crate) fn start(group: u32, folder: &Path) -> io::Result<Guard> {
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "guard"])
            .arg(group.to_string())
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Guard { shell })
    }

    /// Has the group killed and the folder removed, and waits for both. The leader of the group
    /// must not be reaped before, since its number could then be that of another group.
    pub(crate) fn clean_up(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
