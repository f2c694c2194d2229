//! The list of workloads and models.

use std::fmt::Write;

use workload::definition::builtins;

use super::contestant::SEQUENTIAL;
use crate::error::Error;
use crate::packages::{self, Declared};

/// The crate whose runner is the baseline.
pub(crate) const WORKLOAD: &str = "workload";

/// A model of the project.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    /// Its name in every table.
    pub(crate) name: String,
    /// The crate that it is.
    pub(crate) crate_name: String,
    /// The program of its runner.
    pub(crate) program: String,
    /// The crate's description.
    pub(super) about: String,
    /// The declarations of its manifest, known before it is built.
    pub(super) declared: Declared,
}

/// The models of the project, the baseline first.
///
/// # Errors
///
/// When cargo cannot say which packages there are.
pub(crate) fn models() -> Result<Vec<Model>, Error> {
    let mut models: Vec<Model> = packages::workspace()?
        .crates
        .into_iter()
        .filter(|found| found.has_compare)
        .map(|found| {
            let baseline = found.name == WORKLOAD;
            Model {
                name: if baseline {
                    SEQUENTIAL.to_owned()
                } else {
                    found.name.clone()
                },
                program: if baseline {
                    SEQUENTIAL.to_owned()
                } else {
                    format!("{}-compare", found.name)
                },
                about: if baseline {
                    "The baseline: one thread, one task after another.".to_owned()
                } else {
                    found.description
                },
                crate_name: found.name,
                declared: found.declared,
            }
        })
        .collect();
    models.sort_by_key(|model| model.name != SEQUENTIAL);
    Ok(models)
}

/// The text of `--list`.
///
/// # Errors
///
/// As [`models`].
pub(super) fn list() -> Result<String, Error> {
    let mut text = String::from("Workloads\n");
    for workload in builtins() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {:<16} {}", workload.name, workload.about);
    }
    text.push_str("\nModels\n");
    for model in models()? {
        let _ = writeln!(text, "  {:<16} {}", model.name, model.about);
        let purpose = &model.declared.purpose_items;
        if !purpose.is_empty() {
            let items: Vec<String> = purpose.iter().map(u8::to_string).collect();
            let _ = writeln!(
                text,
                "  {:<16} only where a workload is about Item {} or shows it, unless --model names it",
                "",
                items.join(" or ")
            );
        }
        if let Some(why) = model.declared.lack() {
            let _ = writeln!(text, "  {:<16} left out here: {why}", "");
        }
        let variants = model.declared.variants.iter();
        let named: Vec<String> = variants
            .map(|variant| format!("{}/{variant}", model.name))
            .collect();
        if !named.is_empty() {
            let _ = writeln!(text, "  {:<16} also {}", "", named.join(", "));
        }
    }
    Ok(text)
}
