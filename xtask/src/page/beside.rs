//! Links from a page to the files beside it.

use std::ffi::{OsStr, OsString};

use super::html::Html;
use crate::text::clean;

/// The files with every number that are in the folder of the page, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// The file with a line for each sample.
    pub csv: Option<OsString>,
    /// The results that the page is made from.
    pub json: Option<OsString>,
}

impl Beside {
    /// Those that a comparison writes.
    pub fn of_a_comparison() -> Beside {
        Beside {
            csv: Some("results.csv".into()),
            json: Some("results.json".into()),
        }
    }

    /// A paragraph with links to what is there, and with words for what is not.
    pub(super) fn write(&self, html: &mut Html) {
        html.markup("<p id=\"numbers\">Every raw number is ");
        match &self.json {
            Some(json) => link(html.markup("beside this page, in "), json),
            None => html.markup("in the <code>results.json</code> that this page was made from"),
        };
        match &self.csv {
            Some(csv) => link(html.markup("; "), csv).markup(" has a line for each sample"),
            None => html.markup(
                "; <code>cargo xtask report RESULTS.json --csv FILE</code> writes a line for each sample",
            ),
        };
        html.markup(".</p>");
    }
}

fn link<'h>(html: &'h mut Html, name: &OsStr) -> &'h mut Html {
    html.markup("<a href=\"").text(&reference(name));
    html.element("\">", &clean(&name.to_string_lossy()), "</a>")
}

/// A relative reference to a file of this name. All but plain letters are encoded, so that no name
/// has the colon of a scheme or the slash of another folder.
fn reference(name: &OsStr) -> String {
    let mut out = String::new();
    for &byte in name.as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_encoded_in_references() {
        for (name, expected) in [
            ("results.csv", "results.csv"),
            ("javascript:alert(1)", "javascript%3Aalert%281%29"),
            ("é #1?.csv", "%C3%A9%20%231%3F.csv"),
            ("100%\"<", "100%25%22%3C"),
        ] {
            assert_eq!(reference(OsStr::new(name)), expected);
        }
    }

    #[test]
    fn files_that_are_not_there_are_not_linked() {
        let mut html = Html::default();
        Beside::default().write(&mut html);
        let page = html.finish();
        assert!(!page.contains("<a "), "{page}");
        assert!(page.contains("report RESULTS.json --csv FILE"), "{page}");
    }
}
