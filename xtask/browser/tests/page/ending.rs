//! The end of a driver and its browsers, however this program ends.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use xtask_browser::{Browser, Driver};

use crate::site::{Site, Test, ensure};

pub(crate) fn tests() -> Vec<Test> {
    vec![
        Test::new("dropping_a_driver_ends_its_browsers", dropped),
        Test::new("a_killed_run_leaves_no_browser_behind", killed),
    ]
}

/// The limit on the end of a process that was killed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A run that is killed: starts a browser, says where, and waits.
pub(crate) fn abandoned() -> ExitCode {
    let started = Driver::start().map(Arc::new).and_then(|driver| {
        let browser = Browser::start(&driver)?;
        Ok((driver, browser))
    });
    match started {
        Ok((driver, _browser)) => {
            println!("{} {}", driver.group(), driver.folder().display());
            thread::sleep(PATIENCE * 2);
        }
        Err(error) => println!("{error}"),
    }
    ExitCode::FAILURE
}

fn dropped(_: &Site, _: &mut Browser) -> Result<(), String> {
    let driver = Arc::new(Driver::start()?);
    let browser = Browser::start(&driver)?;
    let (group, folder) = (driver.group(), driver.folder().to_path_buf());
    let alive = members(group);
    ensure(alive > 2, || format!("{alive} processes, so no browser"))?;
    drop((browser, driver));
    gone(group, &folder)
}

fn killed(_: &Site, _: &mut Browser) -> Result<(), String> {
    let failed = |error: std::io::Error| error.to_string();
    let mut run = Command::new(std::env::current_exe().map_err(failed)?)
        .arg("abandoned")
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let mut line = String::new();
    let stdout = run.stdout.take().ok_or("no pipe")?;
    BufReader::new(stdout)
        .read_line(&mut line)
        .map_err(failed)?;
    let words = line.trim().split_once(' ');
    let found = words.and_then(|(group, folder)| Some((group.parse().ok()?, folder)));
    let alive = found.map_or(0, |(group, _)| members(group));
    run.kill().and_then(|()| run.wait()).map_err(failed)?;
    let (group, folder) = found.ok_or_else(|| format!("no browser: {line}"))?;
    ensure(alive > 2, || format!("{alive} processes, so no browser"))?;
    gone(group, Path::new(folder))
}

/// Waits until no process of the group is alive and the folder is removed.
fn gone(group: u32, folder: &Path) -> Result<(), String> {
    let deadline = Instant::now() + PATIENCE;
    while members(group) > 0 || folder.exists() {
        ensure(Instant::now() < deadline, || {
            let left = members(group);
            format!(
                "{left} processes are alive, {}: {}",
                folder.display(),
                folder.exists()
            )
        })?;
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// The number of living processes of a group. One that has ended and is not reaped yet is none.
fn members(group: u32) -> usize {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats =
        processes.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    let in_group = stats.filter(|stat| {
        // After the name, which may have any characters: state, parent, group.
        let Some((_, rest)) = stat.rsplit_once(')') else {
            return false;
        };
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let is_there = !matches!(fields.first(), Some(&"Z" | &"X"));
        is_there
            && fields
                .get(2)
                .is_some_and(|field| *field == group.to_string())
    });
    in_group.count()
}
