//! `.pick.json`: what a pick wrote, so that the next one knows what it may replace.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::File;
use crate::error::Error;
use crate::packages::Crate;

/// The name of the record in the picked folder.
pub(crate) const NAME: &str = ".pick.json";

/// The files of one pick and their digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The crate that was picked.
    #[serde(rename = "crate")]
    pub(crate) name: String,
    /// The version it had.
    pub(crate) version: String,
    /// The first eight bytes of each file's SHA-256 as hex digits, by path with `/` between its parts.
    pub(crate) files: BTreeMap<String, String>,
}

impl Record {
    /// The record of these files.
    pub(crate) fn of(package: &Crate, files: &BTreeMap<String, File>) -> Record {
        Record {
            name: package.name.clone(),
            version: package.version.clone(),
            files: files
                .iter()
                .map(|(path, file)| (path.clone(), file.digest()))
                .collect(),
        }
    }

    /// The same pick before any of its files was written.
    pub(crate) fn begun(&self) -> Record {
        Record {
            files: BTreeMap::new(),
            ..self.clone()
        }
    }

    /// What the folder says was picked into it, if it says so.
    pub(crate) fn read(directory: &Path) -> Result<Option<Record>, Error> {
        let path = directory.join(NAME);
        let unusable = |why: &dyn std::fmt::Display| {
            Error::Usage(format!(
                "cannot read {}: {why}; choose another folder",
                path.display()
            ))
        };
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| unusable(&error)),
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Ok(None)
            }
            Err(error) => Err(unusable(&error)),
        }
    }

    /// The text of the file.
    pub(crate) fn text(&self) -> Result<String, Error> {
        let text = serde_json::to_string_pretty(self);
        text.map(|text| text + "\n")
            .map_err(|error| Error::Failed(format!("cannot write {NAME}: {error}")))
    }
}
