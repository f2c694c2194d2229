//! This program in the role of a linker: it links the same objects again and again, with their
//! sections in another order each time.
//!
//! Rustc calls it with the arguments for the system's compiler driver and waits, so the objects
//! that exist only while rustc runs are there for all links.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// The variable that asks for this role: the folder for the programs.
pub(super) const FOLDER: &str = "XTASK_RELINK_FOLDER";

/// The most programs.
pub(super) const MOST: &str = "XTASK_RELINK_MOST";

/// The time for them, in milliseconds.
pub(super) const TIME: &str = "XTASK_RELINK_MS";

/// The linker that rustc uses by default.
const DRIVER: &str = "cc";

/// The file in the folder that says that all links are done.
pub(super) const DONE: &str = "done";

/// The file in the folder that says why there are no more programs.
pub(super) const WHY: &str = "why";

/// Acts as the linker if the environment asks for it, and returns the exit status.
///
/// That is always a failure: rustc and cargo then leave everything as it was, so that the runner
/// keeps its program, and the next calibration links again.
pub fn link(args: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let folder = PathBuf::from(std::env::var_os(FOLDER)?);
    let args: Vec<OsString> = args.into_iter().skip(1).collect();
    let at = output_at(&args)?;
    let number = |name: &str| std::env::var(name).ok()?.parse().ok();
    let most = number(MOST).unwrap_or(0);
    let deadline = Instant::now() + Duration::from_millis(number(TIME).unwrap_or(0));
    let told = match relink(&args, at, &folder, most, deadline) {
        Ok(()) => fs::write(folder.join(DONE), ""),
        Err(why) => fs::write(folder.join(WHY), why),
    };
    if let Err(error) = told {
        let _ = writeln!(io::stderr(), "error: {}: {error}", folder.display());
    }
    Some(ExitCode::FAILURE)
}

/// The place of the output path among the arguments.
fn output_at(args: &[OsString]) -> Option<usize> {
    let flag = args.iter().position(|arg| arg == "-o")?;
    (flag + 1 < args.len()).then_some(flag + 1)
}

/// Links program after program until there are enough, or the time is over.
fn relink(
    args: &[OsString],
    output_at: usize,
    folder: &Path,
    most: u64,
    deadline: Instant,
) -> Result<(), String> {
    for seed in 1..=most {
        if Instant::now() >= deadline {
            break;
        }
        let shuffled = shuffled(args, output_at, folder, seed);
        let output = Command::new(DRIVER).args(&shuffled).output();
        let output = output.map_err(|error| format!("{DRIVER}: {error}"))?;
        if !output.status.success() {
            return Err(first_line(&output.stderr));
        }
    }
    Ok(())
}

/// The arguments for a program with its sections in the order of this seed.
fn shuffled(args: &[OsString], output_at: usize, folder: &Path, seed: u64) -> Vec<OsString> {
    let mut args = args.to_vec();
    args[output_at] = program(folder, seed).into_os_string();
    args.push(format!("-Wl,--shuffle-sections=.text*={seed}").into());
    // Their size is most of the time, and they are not loaded.
    args.push("-Wl,--strip-debug".into());
    args
}

/// The program with its sections in the order of this seed.
pub(super) fn program(folder: &Path, seed: u64) -> PathBuf {
    folder.join(OsStr::new(&format!("program-{seed}")))
}

fn first_line(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().find(|line| !line.trim().is_empty());
    line.unwrap_or("the linker gave no reason").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn only_the_output_and_the_order_of_sections_change() {
        let given = args("-m64 a.o -o deps/x b.o");
        let at = output_at(&given).unwrap();
        let linked = shuffled(&given, at, Path::new("dir"), 7);
        let expected =
            "-m64 a.o -o dir/program-7 b.o -Wl,--shuffle-sections=.text*=7 -Wl,--strip-debug";
        assert_eq!(linked, args(expected));
    }

    #[test]
    fn arguments_without_an_output_are_no_link() {
        assert_eq!(output_at(&args("--version")), None);
        assert_eq!(output_at(&args("a.o -o")), None);
    }

    #[test]
    fn reason_is_the_first_line_of_the_linker() {
        assert_eq!(
            first_line(b"\nld: unknown option\nmore"),
            "ld: unknown option"
        );
        assert_eq!(first_line(b""), "the linker gave no reason");
    }
}
