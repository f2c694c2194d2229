//! `.pick.json`: the record of the files that a pick wrote, which the next pick may replace.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::File;
use crate::error::Error;
use crate::files;
use crate::packages::Crate;

/// The name of the record in the picked folder.
pub(crate) const NAME: &str = ".pick.json";

/// The limit on a record, enough for about ten thousand files.
const MAX_BYTES: u64 = 1 << 20;

/// The files of one pick and their digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The crate that was picked.
    #[serde(rename = "crate")]
    pub name: String,
    /// The version it had.
    pub version: String,
    /// Whether the manifest takes what it can from the workspace around it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inherit: bool,
    /// The first eight bytes of each file's SHA-256 as hex digits, by path with `/` between its
    /// parts.
    pub files: BTreeMap<String, String>,
}

impl Record {
    /// The record of these files.
    pub(crate) fn of(package: &Crate, files: &BTreeMap<String, File>) -> Record {
        Record {
            name: package.name.clone(),
            version: package.version.clone(),
            inherit: false,
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

    /// The record in the folder, if there is one.
    pub(crate) fn read(directory: &Path) -> Result<Option<Record>, Error> {
        let path = directory.join(NAME);
        let unusable = |why: &dyn std::fmt::Display| {
            Error::Usage(format!(
                "cannot read {}: {why}; choose another folder",
                path.display()
            ))
        };
        // A link may lead anywhere, and no pick writes one.
        if path
            .symlink_metadata()
            .is_ok_and(|found| found.is_symlink())
        {
            return Err(unusable(&"it is a symbolic link, and no pick writes one"));
        }
        match files::read(&path, MAX_BYTES) {
            Ok(bytes) => Record::parse(&bytes)
                .map(Some)
                .map_err(|why| unusable(&why)),
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Ok(None)
            }
            Err(error) => Err(unusable(&error)),
        }
    }

    /// Reads a record from the bytes of its file.
    ///
    /// A pick removes and replaces the files that the record names. So a single path that could
    /// lead out of the folder, or to the record itself, makes the whole record unusable.
    ///
    /// # Errors
    ///
    /// The reason why the record is unusable.
    pub fn parse(bytes: &[u8]) -> Result<Record, String> {
        let record: Record = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let odd = record
            .files
            .keys()
            .find(|path| !files::is_plain(path) || *path == NAME);
        match odd {
            None => Ok(record),
            Some(path) => Err(format!(
                "it names a file {path:?}, which no pick writes; so no pick wrote this record"
            )),
        }
    }

    /// The text of the file.
    pub(crate) fn text(&self) -> Result<String, Error> {
        let text = serde_json::to_string_pretty(self);
        text.map(|text| text + "\n")
            .map_err(|error| Error::Failed(format!("cannot write {NAME}: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn a_record_that_leads_out_of_its_folder_is_refused() {
        for path in [
            "../victim",
            "a/../../victim",
            "/etc/passwd",
            "",
            ".",
            "a//b",
            ".pick.json",
        ] {
            let text =
                serde_json::json!({"crate": "tiny", "version": "1.0.0", "files": {path: "0"}});
            let error = Record::parse(text.to_string().as_bytes()).unwrap_err();
            assert!(error.contains(&format!("{path:?}")), "{error}");
        }
        let text = br#"{"crate": "tiny", "version": "1.0.0", "files": {"src/lib.rs": "0"}}"#;
        assert_eq!(Record::parse(text).unwrap().files.len(), 1);
    }

    #[test]
    fn a_record_that_is_a_special_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (record, fifo) = (folder.path().join(NAME), folder.path().join("fifo"));
        assert_eq!(Record::read(folder.path()).unwrap(), None);
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RWXU, 0).unwrap();
        fs::rename(&fifo, &record).unwrap();
        let error = Record::read(folder.path()).unwrap_err();
        assert!(error.to_string().contains("it is a FIFO"), "{error}");
        fs::remove_file(&record).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &record).unwrap();
        let error = Record::read(folder.path()).unwrap_err();
        assert!(error.to_string().contains("a symbolic link"), "{error}");
        fs::remove_file(&record).unwrap();
        fs::File::create(&record).unwrap().set_len(1 << 40).unwrap();
        let error = Record::read(folder.path()).unwrap_err();
        assert!(error.to_string().contains("larger than 1 MiB"), "{error}");
    }
}
