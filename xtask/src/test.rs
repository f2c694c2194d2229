//! `cargo xtask test`: each crate by itself, then its conformance.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::cargo;
use crate::error::Error;
use crate::packages::Packages;

/// How many tests passed, failed, and were not run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed; one at least if a package did not build or a test program crashed.
    pub failed: u64,
    /// Tests marked as ignored.
    pub skipped: u64,
}

/// Tests packages one after another, each built alone: of each crate the crate itself, once more
/// with all its features if it has any, the packages inside it that it depends on, and its runner.
/// With no names these are all crates, and then every other package of the workspace that has
/// tests.
///
/// A failure does not stop it. The output of cargo and the tests goes through unchanged; a summary
/// ends it. The answer is the exit status: 0, or 1 if anything failed.
///
/// # Errors
/// [`Error::Usage`] for an unknown crate, [`Error::Failed`] if cargo cannot be started,
/// [`Error::Interrupted`].
pub fn test(packages: &Packages, names: &[String]) -> Result<u8, Error> {
    let mut rows = Vec::new();
    for (package, all_features) in runs(packages, names)? {
        let began = Instant::now();
        let mut command = cargo::command();
        // Without it the first test program that fails would hide the figures of those after it.
        command.args(["test", "--no-fail-fast", "--package", &package]);
        let mut row = package;
        if all_features {
            command.arg("--all-features");
            row += " (all features)";
        }
        eprintln!("\n{}", cargo::shown(&command));
        rows.push((row, counted(&mut command)?, began.elapsed()));
    }
    let (summary, total) = summary(&rows);
    print(summary.as_bytes());
    Ok(u8::from(total.failed > 0))
}

/// The packages to test, in order, and whether with all features.
fn runs(packages: &Packages, names: &[String]) -> Result<Vec<(String, bool)>, Error> {
    let mut runs: Vec<(String, bool)> = Vec::new();
    for found in packages.select(names)? {
        runs.push((found.package.clone(), false));
        if found.has_features() {
            runs.push((found.package.clone(), true));
        }
        let nested = packages.nested(found).into_iter();
        runs.extend(nested.map(|member| (member.name.clone(), false)));
        runs.extend(found.runner().map(|runner| (runner, false)));
    }
    if names.is_empty() {
        let missing = |name: &&str| !runs.iter().any(|(run, _)| run == name);
        let rest: Vec<&str> = packages.tested().filter(missing).collect();
        runs.extend(rest.into_iter().map(|name| (name.to_string(), false)));
    }
    Ok(runs)
}

/// Runs a `cargo test`, lets its output through, and counts.
pub(crate) fn counted(command: &mut Command) -> Result<Counts, Error> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| cargo::not_started(command, &error))?;
    let mut tally = Tally::default();
    if let Some(stdout) = child.stdout.take() {
        let mut stdout = BufReader::new(stdout);
        let mut line = Vec::new();
        // Bytes, since a test may print what is not UTF-8.
        while stdout
            .read_until(b'\n', &mut line)
            .is_ok_and(|length| length > 0)
        {
            print(&line);
            tally.line(String::from_utf8_lossy(&line).trim_end());
            line.clear();
        }
    }
    let status = child.wait().map_err(|error| {
        Error::io(
            format_args!("waiting for `{}`", cargo::shown(command)),
            &error,
        )
    })?;
    if cargo::interrupted(status) {
        return Err(Error::Interrupted);
    }
    Ok(tally.end(status.success()))
}

/// To stdout at once. A reader that has gone away (`… | head`) does not end the work.
pub(crate) fn print(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

/// The counts in the output of tests. Without `success` at least one failure is counted, even if no
/// line reports it.
pub(crate) fn count(output: &str, success: bool) -> Counts {
    let mut tally = Tally::default();
    output.lines().for_each(|line| tally.line(line.trim_end()));
    tally.end(success)
}

/// Counts from the lines that libtest, and what imitates it, prints.
#[derive(Default)]
struct Tally {
    counts: Counts,
}

impl Tally {
    fn line(&mut self, line: &str) {
        if let Some(result) = line.strip_prefix("test result: ") {
            self.counts.passed += figure(result, "passed");
            self.counts.failed += figure(result, "failed");
            self.counts.skipped += figure(result, "ignored");
        }
    }

    fn end(mut self, success: bool) -> Counts {
        // Cargo failed and no test did: something did not build, or a test program crashed. How
        // many did, no line says.
        if !success {
            self.counts.failed = self.counts.failed.max(1);
        }
        self.counts
    }
}

/// The number before the word, as in `3 passed;`.
fn figure(result: &str, word: &str) -> u64 {
    let words: Vec<&str> = result.split([' ', ';']).collect();
    let at = words.iter().position(|found| *found == word);
    at.and_then(|at| words.get(at.checked_sub(1)?)?.parse().ok())
        .unwrap_or(0)
}

/// A line for each package, and the totals alone on the last.
fn summary(rows: &[(String, Counts, Duration)]) -> (String, Counts) {
    let width = rows.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
    let mut text = String::from("\n");
    let mut total = Counts::default();
    for (name, counts, time) in rows {
        let mark = if counts.failed > 0 { "FAILED" } else { "ok" };
        text += &format!("{name:width$}  {mark:6}  {counts}  {}\n", seconds(*time));
        total += *counts;
    }
    text += &format!("\n{total}\n");
    (text, total)
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, more: Counts) {
        self.passed += more.passed;
        self.failed += more.failed;
        self.skipped += more.skipped;
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// A time that a person waited.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_without_names_runs_every_package_that_has_tests() {
        let packages = crate::packages::workspace().unwrap();
        let runs = runs(&packages, &[]).unwrap();
        for member in &packages.members {
            let times = runs
                .iter()
                .filter(|(name, all)| *name == member.name && !all)
                .count();
            let tested = &crate::packages::TESTED_RIVALS;
            let benches = member.name.ends_with("-rivals") && !tested.contains(&&*member.name);
            let left_out = benches || member.name == crate::packages::BROWSER;
            assert_eq!(times, usize::from(!left_out), "{}", member.name);
        }
    }

    #[test]
    fn test_of_a_crate_includes_the_nested_packages_it_needs() {
        let packages = crate::packages::workspace().unwrap();
        let runs = runs(&packages, &["workload".to_string()]).unwrap();
        let names: Vec<&str> = runs.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["effective-workload", "workload-kernels", "workload-compare"]
        );
    }

    #[test]
    fn results_of_several_programs_add_up() {
        let output = "running 3 tests\ntest a ... ok\n\
            test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
            running 1 test\n\
            test result: ok. 1 passed; 0 failed; 4 ignored; 0 measured; 2 filtered out; finished in 0.00s\n";
        assert_eq!(
            count(output, false),
            Counts {
                passed: 3,
                failed: 1,
                skipped: 4
            }
        );
    }

    #[test]
    fn package_that_does_not_build_is_a_failure() {
        assert_eq!(
            count("", false),
            Counts {
                failed: 1,
                ..Counts::default()
            }
        );
        assert_eq!(count("", true), Counts::default());
    }

    #[test]
    fn a_program_that_crashed_is_a_failure() {
        let output = "running 1 test\n\
            test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            running 9 tests\ntest a ... ok\n";
        assert_eq!(
            count(output, false),
            Counts {
                passed: 1,
                failed: 1,
                skipped: 0
            }
        );
    }

    #[test]
    fn the_totals_stand_alone_on_the_last_line() {
        let one = Counts {
            passed: 3,
            failed: 0,
            skipped: 0,
        };
        let other = Counts {
            passed: 4,
            failed: 1,
            skipped: 2,
        };
        let second = Duration::from_secs(1);
        let (text, total) = summary(&[
            ("threads".to_string(), one, second),
            ("threads-compare".to_string(), other, second),
        ]);
        assert_eq!(
            total,
            Counts {
                passed: 7,
                failed: 1,
                skipped: 2
            }
        );
        assert_eq!(
            text.lines().next_back(),
            Some("7 passed, 1 failed, 2 skipped")
        );
        assert!(
            text.contains("threads          ok      3 passed, 0 failed  1.0 s\n"),
            "{text}"
        );
        let (text, _) = summary(&[("threads".to_string(), one, second)]);
        assert_eq!(text.lines().next_back(), Some("3 passed, 0 failed"));
    }
}
