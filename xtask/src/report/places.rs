//! The files of a report: each another one, and how the page can link to them.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::cli::report::ReportArgs;
use crate::page::Beside;
use crate::text::clean;

/// Refuses a report that would write one file twice, or over the results.
///
/// # Errors
///
/// One line that names the file, both arguments and the remedy.
pub(super) fn check(args: &ReportArgs) -> Result<(), String> {
    let outputs = [
        ("--html", &args.html),
        ("--picture", &args.picture),
        ("--markdown", &args.markdown),
        ("--csv", &args.csv),
        ("--trace", &args.trace),
        ("--into", &args.into),
    ];
    let mut taken = vec![(resolved(&args.results), "RESULTS.json")];
    if let Some(folder) = &args.items {
        let pages = super::items::pages(folder)?.into_iter();
        taken.extend(pages.map(|(_, path)| (resolved(&path), "--items")));
    }
    for (flag, path) in outputs {
        let Some(path) = path else { continue };
        let place = resolved(path);
        if let Some((_, other)) = taken.iter().find(|(taken, _)| *taken == place) {
            let path = clean(&path.display().to_string());
            return Err(format!(
                "{path}: {flag} would overwrite the file of {other}; name another file"
            ));
        }
        taken.push((place, flag));
    }
    Ok(())
}

/// The files with every number that are in the folder of the page once the report is written.
pub(super) fn beside(args: &ReportArgs) -> Beside {
    let Some(Ok(home)) = args.html.as_deref().map(folder) else {
        return Beside::default();
    };
    let named = |path: &Path| -> Option<OsString> {
        let is_here = folder(path).is_ok_and(|folder| folder == home);
        path.file_name().filter(|_| is_here).map(OsString::from)
    };
    Beside {
        csv: args.csv.as_deref().and_then(named),
        json: named(&args.results),
    }
}

/// The place of a file that may not exist yet. One whose folder does not exist is refused when it
/// is written.
fn resolved(path: &Path) -> PathBuf {
    let in_folder = |_| -> io::Result<PathBuf> {
        let name = path.file_name().unwrap_or_default();
        Ok(folder(path)?.join(name))
    };
    let place = fs::canonicalize(path).or_else(in_folder);
    place.unwrap_or_else(|_| path.to_owned())
}

fn folder(path: &Path) -> io::Result<PathBuf> {
    match path.parent() {
        Some(parent) if parent != Path::new("") => fs::canonicalize(parent),
        _ => fs::canonicalize("."),
    }
}
