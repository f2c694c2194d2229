//! The files beside `results.json`: `report.html` and `results.md` for people, `results.csv` for
//! tools.

use std::io;
use std::path::Path;

use crate::files;
use crate::page::page;
use crate::render;
use crate::results::Results;

/// Their names.
pub(super) const NAMES: [&str; 3] = ["results.md", "results.csv", "report.html"];

/// Writes them into this folder.
///
/// # Errors
///
/// One line that names the first file that cannot be written; the others are still written.
pub(super) fn write(folder: &Path, results: &Results, earlier: Option<&Results>) -> io::Result<()> {
    let texts = [
        render::markdown(results, earlier),
        render::csv(results),
        page(results, earlier),
    ];
    let written = NAMES.into_iter().zip(texts).map(|(name, text)| {
        let path = folder.join(name);
        let written = files::replace(&path, text.as_bytes());
        written.map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("{}: cannot be written: {error}", path.display()),
            )
        })
    });
    // All of them first: an error is no reason to leave out the next.
    let written: Vec<io::Result<()>> = written.collect();
    written.into_iter().collect()
}
