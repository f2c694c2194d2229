//! A small checkout to pick from, and folders outside it to pick into.

#[path = "../support/program.rs"]
mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A workspace with one crate, and a folder outside it to pick into.
pub(crate) struct Bench {
    pub(crate) root: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Bench {
        let bench = Bench {
            root: tempfile::tempdir().expect("a temporary folder"),
        };
        bench.write(
            "ws/Cargo.toml",
            "[workspace]\nresolver = '3'\nmembers = ['crates/*', 'crates/*/compare']\n\
             [workspace.package]\nversion = '0.3.0'\nedition = '2024'\nlicense = 'MIT'\npublish = false\n\
             [workspace.lints.rust]\nmissing_docs = 'warn'\n",
        );
        bench.write("ws/LICENSE-MIT", "the licence\n");
        bench.write(
            "ws/crates/tiny/Cargo.toml",
            "[package]\nname = 'tiny'\nversion.workspace = true\nedition.workspace = true\nlicense.workspace = true\n\
             publish.workspace = true\n[lints]\nworkspace = true\n",
        );
        bench.write(
            "ws/crates/tiny/src/lib.rs",
            "//! Tiny.\n\n/// One.\npub fn one() -> u32 {\n    1\n}\n",
        );
        bench.write(
            "ws/crates/tiny/tests/one.rs",
            "//! One.\n\n#[test]\nfn one() {\n    assert_eq!(tiny::one(), 1);\n}\n",
        );
        bench.write(
            "ws/crates/tiny/compare/Cargo.toml",
            "[package]\nname = 'tiny-compare'\nversion.workspace = true\nedition.workspace = true\n\
             [dependencies]\ntiny = { path = '..' }\n",
        );
        bench.write(
            "ws/crates/tiny/compare/src/main.rs",
            "//! None.\n\nfn main() {}\n",
        );
        #[cfg(unix)]
        std::os::unix::fs::symlink(
            "../../LICENSE-MIT",
            bench.path("ws/crates/tiny/LICENSE-MIT"),
        )
        .expect("a link");
        bench
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The command that picks the crate into a folder.
    pub(crate) fn command(&self, into: &str, flags: &[&str]) -> Command {
        let mut command = program::xtask();
        command
            .args(["pick", "tiny"])
            .arg(self.path(into))
            .args(flags)
            .current_dir(self.path("ws"))
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("CARGO_BUILD_TARGET_DIR");
        command
    }

    pub(crate) fn pick(&self, into: &str) -> Output {
        self.command(into, &[]).output().expect("xtask starts")
    }

    /// Picks, and returns what it printed on stdout.
    #[track_caller]
    pub(crate) fn picked(&self, into: &str) -> String {
        self.picked_with(into, &[])
    }

    /// The same with flags.
    #[track_caller]
    pub(crate) fn picked_with(&self, into: &str, flags: &[&str]) -> String {
        let output = self.command(into, flags).output().expect("xtask starts");
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Fails to pick, is told so in one line with these words, and finds all files as they were.
    #[track_caller]
    pub(crate) fn refused(&self, into: &str, words: &[&str]) {
        self.refused_with(into, &[], words);
    }

    /// The same with flags.
    #[track_caller]
    pub(crate) fn refused_with(&self, into: &str, flags: &[&str], words: &[&str]) {
        let before = files(self.root.path());
        let output = self.command(into, flags).output().expect("xtask starts");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        for word in words {
            assert!(stderr.contains(word), "lacks {word:?}: {stderr}");
        }
        assert_eq!(files(self.root.path()), before);
    }
}

/// All files below with their contents, but for what cargo builds.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry"))
    {
        let path = entry.path();
        if entry.file_type().expect("a type").is_dir() {
            if entry.file_name() != "target" {
                found.extend(files(&path));
            }
        } else {
            found.push((path.clone(), fs::read(&path).unwrap_or_default()));
        }
    }
    found.sort();
    found
}

pub(crate) fn names(bench: &Bench, folder: &str) -> Vec<String> {
    let root = bench.path(folder);
    let relative = |path: PathBuf| {
        path.strip_prefix(&root)
            .expect("inside")
            .to_string_lossy()
            .into_owned()
    };
    files(&root)
        .into_iter()
        .map(|(path, _)| relative(path))
        .collect()
}
