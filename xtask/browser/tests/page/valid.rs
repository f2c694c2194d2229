//! The pages as html-validate sees them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use xtask_browser::Browser;

use crate::kinds::Kind;
use crate::site::{Site, Test, ensure, shown};

pub(crate) const NAME: &str = "every_page_is_valid_html";

pub(crate) fn tests() -> Vec<Test> {
    vec![Test::new(NAME, valid)]
}

/// The program, where `cargo xtask ci` installs it.
fn validator() -> PathBuf {
    let target = shown();
    let target = target.parent().unwrap_or(Path::new("."));
    target.join("html-validate/node_modules/html-validate/bin/html-validate.mjs")
}

/// The reason why the pages cannot be validated, if there is one.
pub(crate) fn missing() -> Option<String> {
    let path = validator();
    (!path.is_file()).then(|| {
        let path = path.display();
        format!("there is no {path}: `cargo xtask ci` installs it")
    })
}

fn valid(site: &Site, _: &mut Browser) -> Result<(), String> {
    let settings = Path::new(env!("CARGO_MANIFEST_DIR")).join("html-validate/settings.json");
    let pages: Result<Vec<PathBuf>, String> =
        Kind::ALL.into_iter().map(|kind| site.page(kind)).collect();
    let output = Command::new("node")
        .arg(validator())
        .arg("--config")
        .arg(settings)
        .args(["--formatter", "text"])
        .args(pages?)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start node: {error}"))?;
    ensure(output.status.success(), || {
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = text.lines().chain(errors.lines()).take(60).collect();
        lines.join("\n")
    })
}
