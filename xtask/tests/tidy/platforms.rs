//! The page about platforms, checked against the crates.

use super::{crates, name, none, read, root};

/// The cells of the row of each crate in `docs/platforms.md`: Linux, macOS, Windows, why.
fn rows() -> Vec<(String, Vec<String>)> {
    read(&root().join("docs/platforms.md"))
        .lines()
        .filter_map(|line| {
            let (name, cells) = line.strip_prefix("| `")?.split_once("` |")?;
            let cells = cells.trim_end_matches('|').split('|');
            Some((
                name.to_string(),
                cells.map(|cell| cell.trim().to_string()).collect(),
            ))
        })
        .collect()
}

#[test]
fn platforms_page_has_a_row_for_each_crate() {
    let rows: Vec<String> = rows().into_iter().map(|(name, _)| name).collect();
    let models: Vec<String> = crates().iter().map(|folder| name(folder)).collect();
    assert_eq!(rows, models);
}

#[test]
fn platforms_page_says_no_where_a_crate_refuses_to_compile() {
    let mut refusing = 0;
    let mut wrong = Vec::new();
    for (model, cells) in rows() {
        let library = read(&root().join("crates").join(&model).join("src/lib.rs"));
        let refuses = library.contains("#[cfg(not(target_os = \"linux\"))]\ncompile_error!");
        refusing += usize::from(refuses);
        for cell in &cells[1..3] {
            if refuses != (cell == "no") {
                wrong.push(format!("{model}: {cell}"));
            }
        }
    }
    assert!(
        refusing > 0,
        "no crate was recognised as one for Linux only"
    );
    none(wrong, "docs/platforms.md and src/lib.rs disagree");
}

#[test]
fn platforms_page_names_the_declared_rust_version() {
    let manifest: toml::Table = read(&root().join("Cargo.toml"))
        .parse()
        .expect("a manifest");
    let declared = manifest["workspace"]["package"]["rust-version"]
        .as_str()
        .expect("a version");
    let page = read(&root().join("docs/platforms.md"));
    assert!(
        page.contains(&format!("holds for every crate: **{declared}**")),
        "docs/platforms.md names another version than {declared}"
    );
    let readme = read(&root().join("README.md"));
    assert!(
        readme.contains(&format!("Rust {declared} or later")),
        "README.md names another version than {declared}"
    );
}
