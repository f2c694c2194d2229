//! One `chromedriver` on a free port, with a folder for all that it and its browsers write.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::guard::Guard;
use crate::wire::Wire;

/// The limit on the start of the driver, which takes a fraction of a second on an idle machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The programs that are needed, with the packages that Debian has them in.
const PROGRAMS: [(&str, &str); 2] = [
    ("chromedriver", "chromium-driver"),
    ("chromium", "chromium"),
];

/// The reason why no browser can be started here, if there is one.
pub fn missing() -> Option<String> {
    let missing: Vec<_> = PROGRAMS
        .iter()
        .filter(|(program, _)| !answers(program))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let programs: Vec<&str> = missing.iter().map(|(program, _)| *program).collect();
    let packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    Some(format!(
        "{} cannot be started: install it (Debian: `apt-get install {}`)",
        programs.join(" and "),
        packages.join(" ")
    ))
}

fn answers(program: &str) -> bool {
    let status = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// A running driver. Dropping it ends it with every browser that it started, and removes their
/// files.
#[derive(Debug)]
pub struct Driver {
    process: Child,
    guard: Guard,
    folder: TempDir,
    wire: Wire,
}

impl Driver {
    /// Starts a driver.
    ///
    /// # Errors
    /// One line, if it cannot be started or does not say where it listens.
    pub fn start() -> Result<Driver, String> {
        let folder = tempfile::Builder::new()
            .prefix("xtask-browser-")
            .tempdir()
            .map_err(|error| format!("cannot make a temporary folder: {error}"))?;
        let mut process = Command::new("chromedriver")
            // The system chooses a free one, so that runs side by side cannot collide.
            .arg("--port=0")
            // Profiles, caches and settings go where they are removed.
            .env("TMPDIR", folder.path())
            .env("HOME", folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .env("XDG_CACHE_HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| format!("cannot start chromedriver: {error}"))?;
        let stdout = process.stdout.take();
        let guard = match Guard::start(process.id(), folder.path()) {
            Ok(guard) => guard,
            Err(error) => {
                let _ = process.kill();
                let _ = process.wait();
                return Err(format!("cannot start a shell: {error}"));
            }
        };
        let mut driver = Driver {
            process,
            guard,
            folder,
            wire: Wire::default(),
        };
        let port = stdout.and_then(port).ok_or_else(|| {
            let seconds = START_TIMEOUT.as_secs();
            format!("chromedriver did not say within {seconds} s on which port it listens")
        })?;
        driver.wire = Wire::to(port);
        Ok(driver)
    }

    pub(crate) fn wire(&self) -> &Wire {
        &self.wire
    }

    /// The folder for files that end with the driver.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The process group of the driver and its browsers.
    pub fn group(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The guard does the same; without a shell that works, the wait below would have no end.
        if let Some(group) = Pid::from_raw(self.process.id().cast_signed()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        self.guard.clean_up();
        let _ = self.process.wait();
    }
}

/// The port in the first lines that the driver prints. The rest is read too, so that a full pipe
/// cannot block the driver.
fn port(stdout: ChildStdout) -> Option<u16> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(port) = port_in(&line) {
                let _ = sender.send(port);
            }
        }
    });
    receiver.recv_timeout(START_TIMEOUT).ok()
}

fn port_in(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("started successfully on port ")?;
    rest.trim_end_matches('.').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_is_found_only_in_the_line_that_promises_it() {
        let line = "ChromeDriver was started successfully on port 36115.";
        assert_eq!(port_in(line), Some(36115));
        assert_eq!(port_in("Starting ChromeDriver 156.0 on port 0"), None);
    }
}
