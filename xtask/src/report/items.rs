//! The pages of the Items, `item-NN.md`, and the figures that belong into each.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Document, MARKER, fenced};
use crate::render::{self, Page, on_page};
use crate::results::Results;
use crate::text::clean;

/// The limit on the pages of a folder.
const MAX_PAGES: usize = 256;

/// Puts the figures of each Item between the markers of its page. Nothing is written unless all
/// pages can be filled. Returns how many there are.
///
/// # Errors
///
/// One line that names the file and the remedy: a folder without such pages, a page that cannot be
/// read or written or lacks a marker, an Item that the results know nothing about.
pub(super) fn put(folder: &Path, results: &Results) -> Result<usize, String> {
    let mut filled = Vec::new();
    for (number, path) in pages(folder)? {
        let figures = on_page(Page::PLAIN, || render::item(results, number));
        if figures.is_empty() {
            return Err(format!(
                "{}: no workload of Item {number} is in these results; compare all workloads",
                clean(&path.display().to_string())
            ));
        }
        filled.push((Document::read(&path, MARKER)?, fenced(&[figures])));
    }
    for (document, figures) in &filled {
        document.put(figures)?;
    }
    Ok(filled.len())
}

/// The pages with the numbers of their Items, in order.
///
/// # Errors
///
/// One line, if the folder cannot be read or has no such page.
pub(super) fn pages(folder: &Path) -> Result<Vec<(u8, PathBuf)>, String> {
    let name = clean(&folder.display().to_string());
    let entries = fs::read_dir(folder).map_err(|error| {
        format!("{name}: cannot be read ({error}); name the folder of the pages with --items")
    })?;
    let mut found: Vec<(u8, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| Some((number(entry.file_name().to_str()?)?, entry.path())))
        .take(MAX_PAGES)
        .collect();
    found.sort();
    if found.is_empty() {
        return Err(format!(
            "{name}: has no page item-NN.md; name the folder of the pages with --items"
        ));
    }
    Ok(found)
}

fn number(name: &str) -> Option<u8> {
    name.strip_prefix("item-")?
        .strip_suffix(".md")?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn pages_are_known_by_their_names() {
        assert_eq!(number("item-52.md"), Some(52));
        for other in [
            "item-52.py",
            "item-.md",
            "item-1000.md",
            "items.md",
            "52.md",
        ] {
            assert_eq!(number(other), None, "{other}");
        }
    }
}
