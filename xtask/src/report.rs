//! `cargo xtask report`: renders the results of a comparison again.

use std::path::{Path, PathBuf};

use crate::files;
use crate::render;
use crate::results::{self, Results};
use crate::stats;
use crate::text::clean;

/// The name between whose markers a document holds the figures.
const MARKER: &str = "measured";

/// The limit on a document.
const MAX_DOCUMENT_BYTES: u64 = 16 << 20;

/// The answer of the comparison at `path`, or with `details` all its tables; with `into`, the
/// answer and one table, put into that document.
///
/// `into` must have the lines `<!-- begin: measured -->` and `<!-- end: measured -->`. The text
/// between them is replaced, and the rest of the document stays as it is.
///
/// # Errors
///
/// One line that names the file and the remedy: results that cannot be read, or a document that
/// cannot be read or written or lacks a marker.
pub fn report(
    path: &Path,
    into: Option<&Path>,
    html: Option<&Path>,
    details: bool,
) -> Result<String, String> {
    let mut results = results::read(path)?;
    // Files of earlier versions have samples and no verdicts.
    let judged = |cell: &results::Cell| cell.verdict.is_some() || cell.rank.is_none();
    if !results.cells.iter().all(judged) {
        stats::summarise(&mut results);
    }
    if let Some(html) = html {
        let name = clean(&html.display().to_string());
        files::replace(html, crate::page::page(&results, None).as_bytes()).map_err(|error| {
            format!("{name}: cannot be written ({error}); name a file that can be")
        })?;
        return Ok(format!(
            "{name}: the page of {} put in\n",
            clean(&path.display().to_string())
        ));
    }
    let Some(into) = into else {
        return Ok(if details {
            render::everything(&results, None)
        } else if results.settings.smoke {
            render::smoke(&results)
        } else {
            render::lines_and_answer(&results, None)
        });
    };
    Document::read(into, MARKER)?.put(&block(&results, details))?;
    let what = if details {
        "all tables"
    } else {
        "the answer and a table"
    };
    Ok(format!(
        "{}: {what} of {} put in\n",
        clean(&into.display().to_string()),
        clean(&path.display().to_string())
    ))
}

/// A document that takes figures between two of its lines.
#[derive(Debug)]
pub(crate) struct Document {
    path: PathBuf,
    text: String,
    marker: &'static str,
}

impl Document {
    /// Reads the document, which must have the lines `<!-- begin: MARKER -->` and
    /// `<!-- end: MARKER -->`.
    ///
    /// # Errors
    ///
    /// One line that names the file and the remedy.
    pub(crate) fn read(path: &Path, marker: &'static str) -> Result<Document, String> {
        let name = clean(&path.display().to_string());
        let text = files::read_text(path, MAX_DOCUMENT_BYTES).map_err(|error| {
            format!("{name}: cannot be read ({error}); name a document with --into")
        })?;
        render::splice(&text, marker, "").map_err(|error| format!("{name}: {error}"))?;
        let path = path.to_owned();
        Ok(Document { path, text, marker })
    }

    /// Puts this between the lines instead of what stands there.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), if the document cannot be written.
    pub(crate) fn put(&self, content: &str) -> Result<(), String> {
        let name = clean(&self.path.display().to_string());
        let text = render::splice(&self.text, self.marker, content)
            .map_err(|error| format!("{name}: {error}"))?;
        files::replace(&self.path, text.as_bytes()).map_err(|error| {
            format!("{name}: cannot be written ({error}); make it and its directory writable")
        })
    }
}

/// The text as a fenced block, headed by the command that made it and where it ran. Without
/// `details`, the answer and the first table as an example.
fn block(results: &Results, details: bool) -> String {
    let text = if details {
        render::everything(results, None)
    } else {
        let example = render::table(results, 0);
        [
            render::environment(results),
            render::lines_and_answer(results, None),
            example,
            render::legend(results),
        ]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<String>>()
        .join("\n")
    };
    // A longer fence than any within: an error may quote what a model printed.
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{text}{fence}\n")
}
