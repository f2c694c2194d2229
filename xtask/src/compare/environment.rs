//! The environment of a comparison, as far as the system reports it.

use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use crate::files;
use crate::results::Environment;

/// No such file of the kernel is longer, even with thousands of processors.
const MAX_BYTES: u64 = 16 << 20;

/// Asks the system; what it does not tell stays empty.
pub(crate) fn environment() -> Environment {
    Environment {
        os: os(),
        cpu: cpu(),
        cpus: num_cpus::get(),
        memory_bytes: memory_bytes().unwrap_or(0),
        rustc: first_line("rustc", &["--version"]).unwrap_or_default(),
        started: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        load_average: load_average().unwrap_or(0.0),
        ..Environment::default()
    }
}

fn os() -> String {
    first_line("uname", &["-srm"]).unwrap_or_else(|| std::env::consts::OS.to_owned())
}

fn cpu() -> String {
    let info = files::read_text(Path::new("/proc/cpuinfo"), MAX_BYTES).unwrap_or_default();
    let model = info.lines().find_map(|line| {
        Some(
            line.strip_prefix("model name")?
                .split_once(':')?
                .1
                .trim()
                .to_owned(),
        )
    });
    model
        .or_else(|| first_line("sysctl", &["-n", "machdep.cpu.brand_string"]))
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

fn memory_bytes() -> Option<u64> {
    let info = files::read_text(Path::new("/proc/meminfo"), MAX_BYTES).ok()?;
    let kibibytes = info.lines().find_map(|line| {
        line.strip_prefix("MemTotal:")?
            .split_whitespace()
            .next()?
            .parse()
            .ok()
    });
    kibibytes.map(|kibibytes: u64| kibibytes * 1024)
}

fn load_average() -> Option<f64> {
    files::read_text(Path::new("/proc/loadavg"), MAX_BYTES)
        .ok()?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .next()?
            .trim()
            .to_owned(),
    )
}
