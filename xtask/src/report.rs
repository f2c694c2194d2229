//! `cargo xtask report`: renders the results of a comparison again.

mod items;
mod places;

use std::path::{Path, PathBuf};

use crate::cli::report::ReportArgs;
use crate::files;
use crate::page::page_beside;
use crate::render::number::plural;
use crate::render::{self, Page, on_page};
use crate::results::{self, Results};
use crate::stats;
use crate::text::{clean, name};
use crate::trace_events::TraceFile;

/// The name between whose markers a document holds the figures.
const MARKER: &str = "measured";

/// The limit on a document.
const MAX_DOCUMENT_BYTES: u64 = 16 << 20;

/// The answer of the comparison, or with `details` all its tables; instead of it, a line for each
/// file that was asked for.
///
/// The document of `into` must have the lines `<!-- begin: measured -->` and
/// `<!-- end: measured -->`. The text between them is replaced by the answer and one table, or by
/// all tables, and the rest of the document stays as it is. So have the pages in the folder of
/// `items`, each of which gets the figures of its Item.
///
/// # Errors
///
/// One line that names the file and the remedy: results that cannot be read, a file that cannot be
/// written or that another part of the report is written to, or a document that cannot be read or
/// lacks a marker.
pub fn report(args: &ReportArgs) -> Result<String, String> {
    places::check(args)?;
    let results = read(&args.results)?;
    let mut said = String::new();
    let from = clean(&args.results.display().to_string());
    let mut put = |path: &Path, what: &str| {
        let path = clean(&path.display().to_string());
        said.push_str(&format!("{path}: {what} of {from} put in\n"));
    };
    if let Some(path) = &args.picture {
        write(path, &render::picture(&results))?;
        put(path, "the matrix");
    }
    if let Some(path) = &args.markdown {
        write(path, &render::markdown(&results, None))?;
        put(path, "the answer and the tables");
    }
    if let Some(path) = &args.csv {
        write(path, &render::csv(&results))?;
        put(path, "every sample");
    }
    // After the samples, which it may link to.
    if let Some(path) = &args.html {
        write(path, &page_beside(&results, None, &places::beside(args)))?;
        put(path, "the page");
    }
    if let Some(into) = &args.into {
        Document::read(into, MARKER)?
            .put(&on_page(Page::PLAIN, || block(&results, args.details)))?;
        let tables = ["the answer and a table", "all tables"];
        put(into, tables[usize::from(args.details)]);
    }
    if let Some(folder) = &args.items {
        let pages = items::put(folder, &results)?;
        put(folder, &format!("figures for {}", plural(pages, "page")));
    }
    if let Some(path) = &args.trace {
        let line = TraceFile::begin(path)?.finish(&results)?;
        said.push_str(&format!("{line}\n"));
    }
    if !said.is_empty() {
        return Ok(said);
    }
    Ok(if args.details {
        render::everything(&results, None)
    } else if results.settings.smoke {
        render::smoke(&results)
    } else {
        render::lines_and_answer(&results, None)
    })
}

/// The results, with verdicts also where the file is of a version that had none.
fn read(path: &Path) -> Result<Results, String> {
    let mut results = results::read(path)?;
    let judged = |cell: &results::Cell| cell.verdict.is_some() || cell.rank.is_none();
    if !results.cells.iter().all(judged) {
        stats::summarise(&mut results);
    }
    Ok(results)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    files::replace(path, text.as_bytes()).map_err(|error| {
        let path = clean(&path.display().to_string());
        format!("{path}: cannot be written ({error}); name a file that can be")
    })
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

/// The answer and the first table as an example, as a fenced block headed by the command that made
/// them and where it ran. With `details` a heading for each table, which other pages can link to,
/// and then what they have in common.
fn block(results: &Results, details: bool) -> String {
    let environment = render::environment(results);
    let answer = render::lines_and_answer(results, None);
    if !details {
        let example = render::table(results, 0);
        return fenced(&[environment, answer, example, render::legend(results)]);
    }
    let mut out = fenced(&[environment, answer]);
    for (place, workload) in results.workloads.iter().enumerate() {
        let table = fenced(&[render::table(results, place)]);
        out.push_str(&format!("\n## {}\n\n{table}", heading(&workload.name)));
    }
    let rest = [
        render::legend(results),
        render::sweeps(results),
        render::warnings(results),
    ];
    out + "\n## What the columns mean\n\n" + &fenced(&rest)
}

/// A name as a heading: what could be markup in it becomes a dash.
fn heading(text: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || letter == '-';
    let letters = name(text);
    letters
        .chars()
        .map(|it| if plain(it) { it } else { '-' })
        .collect()
}

/// The parts that are not empty, in a fence.
fn fenced(parts: &[String]) -> String {
    let parts: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    let text = parts.join("\n");
    // A longer fence than any within: an error may quote what a model printed.
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{text}{fence}\n")
}
