//! A kernel is one small file, and the page on workloads shows a real one.

use std::fs;
use std::path::Path;

use workload::kernels::names;

const PAGE: &str = include_str!("../../docs/workloads.md");

/// The one that the page shows.
const GCD: &str = include_str!("../../crates/workload/kernels/src/gcd.rs");

/// The promise of the page: "under 40 lines".
const LINES: usize = 40;

#[test]
fn page_shows_a_whole_kernel() {
    assert!(
        PAGE.contains(&format!("This is all of `gcd.rs`:\n\n```rust\n{GCD}```\n")),
        "docs/workloads.md should show kernels/src/gcd.rs as it is"
    );
    assert!(GCD.lines().count() < LINES, "tests and comments included");
    assert!(names().contains(&"gcd"));
}

#[test]
fn kernels_have_under_40_lines_of_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/workload/kernels/src");
    for name in names() {
        let path = folder.join(format!("{name}.rs"));
        let text =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code = code.lines().map(str::trim);
        let lines = code.filter(|line| !line.is_empty() && !line.starts_with("//"));
        let lines = lines.count();
        assert!(lines < LINES, "{name}.rs has {lines} lines of code");
    }
}
