//! The book as pages: `docs` built by mdBook.

use std::path::Path;
use std::process::Command;

use super::log::Log;
use super::toolchain::answers;
use crate::error::Error;

const MDBOOK: &str = "mdbook";

/// The reason why this machine cannot build the book.
pub(super) fn no_mdbook() -> Option<String> {
    let is_there = answers(Command::new(MDBOOK).arg("--version")) == Ok(true);
    (!is_there).then(|| "there is no mdbook, which `cargo install mdbook` builds".to_string())
}

/// Builds the book into `target`, and looks whether each page of its summary is there.
pub(super) fn build(root: &Path, target: &Path, log: &mut Log) -> Result<(), Error> {
    let docs = root.join("docs");
    let into = target.join("book");
    let mut mdbook = Command::new(MDBOOK);
    mdbook.arg("build").arg("--dest-dir").arg(&into).arg(&docs);
    log.run(&mut mdbook)?;
    let path = docs.join("SUMMARY.md");
    let summary =
        std::fs::read_to_string(&path).map_err(|error| Error::io(path.display(), &error))?;
    let pages = pages(&summary);
    let missing: Vec<&str> = pages
        .iter()
        .map(String::as_str)
        .filter(|page| !into.join(page).is_file())
        .collect();
    if pages.is_empty() || !missing.is_empty() {
        return Err(Error::Failed(format!(
            "{} has {} pages, of which mdbook has not made: {}",
            path.display(),
            pages.len(),
            missing.join(", ")
        )));
    }
    log.say(&format!("{} pages in {}", pages.len(), into.display()));
    Ok(())
}

/// The pages that mdBook makes of the links of a summary.
fn pages(summary: &str) -> Vec<String> {
    let targets = summary.split("](").skip(1);
    let links = targets.filter_map(|rest| rest.split(')').next()?.strip_suffix(".md"));
    links
        .map(|link| match link {
            "README" => "index.html".to_string(),
            link => format!("{link}.html"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{build, no_mdbook, pages};
    use crate::ci::log::Log;

    #[test]
    fn every_page_is_built_where_there_is_mdbook() {
        if let Some(reason) = no_mdbook() {
            eprintln!("left out: {reason}");
            return;
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("a workspace");
        let target = tempfile::tempdir().expect("a folder");
        build(root, target.path(), &mut Log::default()).expect("the book is built");
    }

    #[test]
    fn the_first_page_is_the_index() {
        let summary = "[The book](README.md)\n- [52](items/item-52.md)\n  - [x](y.md)\n";
        assert_eq!(
            pages(summary),
            ["index.html", "items/item-52.html", "y.html"]
        );
    }
}
