use std::fs;
use std::os::unix::fs::symlink;

use super::*;

/// A repository of its own with one commit.
struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    fn new() -> Repository {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository { folder };
        repository.git(&["init", "--quiet"]);
        for file in ["kept", "changed", "removed", "renamed", "dir/staged"] {
            repository.write(file, file);
        }
        repository.write(".gitignore", "ignored\n");
        repository.commit("first");
        repository
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn git(&self, args: &[&str]) {
        let output = git(self.root())
            .args(["-c", "user.name=x", "-c", "user.email=x@example.org"])
            .args(args)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.root().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
        self.git(&["tag", message]);
    }

    #[track_caller]
    fn changed(&self, since: &str, expected: &[&str]) {
        let expected = expected.iter().map(PathBuf::from).collect();
        assert_eq!(changed(self.root(), since).unwrap(), expected);
    }
}

#[test]
fn commits_the_index_the_tree_and_new_files_all_count() {
    let repository = Repository::new();
    repository.changed("HEAD", &[]);
    repository.write("committed", "x");
    repository.commit("second");
    repository.write("changed", "anew");
    repository.write("dir/staged", "anew");
    repository.git(&["add", "dir/staged"]);
    repository.git(&["mv", "renamed", "new name\twith a tab"]);
    fs::remove_file(repository.root().join("removed")).unwrap();
    repository.write("dir/untracked ü", "x");
    repository.write("ignored", "x");
    let since_second = [
        "changed",
        "removed",
        "renamed",
        "new name\twith a tab",
        "dir/staged",
        "dir/untracked ü",
    ];
    repository.changed("second", &since_second);
    repository.changed("HEAD", &since_second);
    let mut since_first = since_second.to_vec();
    since_first.push("committed");
    repository.changed("HEAD~1", &since_first);
    repository.changed("first", &since_first);
}

#[test]
fn paths_are_relative_to_the_workspace() {
    let repository = Repository::new();
    repository.write("dir/staged", "anew");
    repository.write("dir/new", "x");
    repository.write("kept", "anew");
    let paths = changed(&repository.root().join("dir"), "HEAD").unwrap();
    assert_eq!(paths, BTreeSet::from(["new".into(), "staged".into()]));
}

#[test]
fn a_missing_revision_is_a_one_line_usage_error() {
    let repository = Repository::new();
    for missing in [
        "",
        "no-such-branch",
        "HEAD~7",
        "--all",
        "-h",
        "HEAD^{tree}",
        "HEAD:kept",
        "first..HEAD",
        "0123456789012345678901234567890123456789",
        "a\nb",
    ] {
        let error = changed(repository.root(), missing).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{missing:?}: {error}");
        let line = error.to_string();
        assert!(line.starts_with("cannot tell what changed since"), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
    }
}

#[test]
fn a_folder_without_a_repository_is_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    let error = changed(folder.path(), "HEAD").unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert_eq!(head(folder.path()), None);
}

#[test]
fn the_commit_that_is_checked_out_is_known() {
    let repository = Repository::new();
    let hash = head(repository.root()).unwrap();
    assert!(hash.len() >= 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
}

#[test]
fn links_that_leave_the_root_are_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for inner in ["crates/b/src", "target", "crates/b/target"] {
        fs::create_dir_all(root.join(inner)).unwrap();
    }
    symlink("../../a/src/x.rs", root.join("crates/b/src/x.rs")).unwrap();
    symlink("/dev/null", root.join("crates/b/out")).unwrap();
    symlink("../b", root.join("target/built")).unwrap();
    symlink("../b", root.join("crates/b/target/built")).unwrap();
    assert_eq!(
        links(root).unwrap(),
        [Link {
            at: "crates/b/src/x.rs".into(),
            to: "crates/a/src/x.rs".into()
        }]
    );
}
