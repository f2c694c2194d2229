//! Relative paths from untrusted files, such as a record or an archive.

/// Whether a path with `/` between its parts stays below any folder it is joined to: no part may be
/// empty, `.` or `..`, or contain a NUL or a backslash.
pub fn is_plain(path: &str) -> bool {
    path.split('/')
        .all(|part| !matches!(part, "" | "." | "..") && !part.contains(['\0', '\\']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_stay_below_their_folder() {
        for path in ["a", "src/lib.rs", ".cargo/config.toml", "a..b/...", "é/ü"] {
            assert!(is_plain(path), "{path}");
        }
        for path in [
            "",
            "/",
            "/etc/passwd",
            "../up",
            "a/../b",
            "a/..",
            "./a",
            "a//b",
            "a/",
            ".",
            "..",
            "a\0b",
            "a\\..\\b",
        ] {
            assert!(!is_plain(path), "{path:?}");
        }
    }
}
