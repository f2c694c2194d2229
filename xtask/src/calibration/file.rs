//! `calibration.json` on disk.

use std::fmt;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{Calibration, Machine, SCHEMA};
use crate::files;
use crate::text::{clean, cut};

/// The file's name in the output folder of the comparison.
pub const NAME: &str = "calibration.json";

/// The limit on the file. A real one has a few kilobytes.
const MAX_BYTES: u64 = 1 << 20;

/// A calibration holds for this long: updates and neighbours change a machine.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// No floor above this is believed: it would hide a cell that takes twice as long.
const HIGHEST_FLOOR: f64 = 1.0;

/// The parser's message may quote the file.
const MAX_REASON_COLUMNS: usize = 200;

/// Why there is no calibration to go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// There is no file.
    Missing,
    /// It is of another machine, kernel or number of processors.
    OtherMachine,
    /// It is older than 30 days, or from the future.
    Old(String),
    /// The file is unusable, with the reason.
    Unusable(String),
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lack::Missing => write!(f, "this machine is not calibrated"),
            Lack::OtherMachine => {
                write!(f, "the calibration is of another machine or kernel")
            }
            Lack::Old(started) => write!(f, "the calibration of {} is out of date", clean(started)),
            Lack::Unusable(why) => write!(f, "the calibration is unusable ({})", clean(why)),
        }?;
        write!(
            f,
            ": `cargo xtask calibrate` finds the smallest difference that can be told apart here"
        )
    }
}

/// The calibration in this folder, if it holds for `machine` now.
///
/// # Errors
///
/// Why there is none.
pub fn read(folder: &Path, machine: &Machine, now: SystemTime) -> Result<Calibration, Lack> {
    let text = files::read(&folder.join(NAME), MAX_BYTES).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Lack::Missing,
        _ => Lack::Unusable(error.to_string()),
    })?;
    let calibration = parse(&text).map_err(Lack::Unusable)?;
    if calibration.machine != *machine {
        return Err(Lack::OtherMachine);
    }
    let started = humantime::parse_rfc3339(&calibration.started).ok();
    let age = started.and_then(|started| now.duration_since(started).ok());
    if age.is_none_or(|age| age > LONGEST) {
        return Err(Lack::Old(calibration.started));
    }
    Ok(calibration)
}

/// Reads a calibration from the bytes of its file.
fn parse(text: &[u8]) -> Result<Calibration, String> {
    let calibration: Calibration = serde_json::from_slice(text)
        .map_err(|error| cut(&error.to_string(), MAX_REASON_COLUMNS))?;
    if calibration.schema != SCHEMA {
        return Err(format!(
            "it has schema {}, and this program knows {SCHEMA} only",
            calibration.schema
        ));
    }
    if !(0.0..=HIGHEST_FLOOR).contains(&calibration.floor) {
        return Err(format!(
            "its floor is {}, which is no difference from 0 to {HIGHEST_FLOOR}",
            calibration.floor
        ));
    }
    Ok(calibration)
}

/// Writes the calibration into this folder, beside its name first and then renamed.
///
/// # Errors
///
/// As [`files::replace`].
pub fn write(folder: &Path, calibration: &Calibration) -> io::Result<()> {
    let mut json = serde_json::to_string_pretty(calibration)?;
    json.push('\n');
    files::replace(&folder.join(NAME), json.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::calibration::{Kind, Planted, Trials};

    fn calibration() -> Calibration {
        Calibration {
            schema: SCHEMA,
            started: "2026-01-02T03:04:05Z".into(),
            machine: Machine {
                cpu: "c".into(),
                cpus: 2,
                os: "o".into(),
            },
            floor: 0.02,
            rounds: vec![12, 21],
            relinked: Some(Trials::default()),
            kinds: vec![Kind {
                planted: vec![Planted::default()],
                ..Kind::default()
            }],
            ..Calibration::default()
        }
    }

    fn days_later(days: u64) -> SystemTime {
        humantime::parse_rfc3339("2026-01-02T03:04:05Z").unwrap()
            + Duration::from_secs(days * 24 * 3600)
    }

    #[test]
    fn a_calibration_is_read_as_written() {
        let folder = tempfile::tempdir().unwrap();
        let written = calibration();
        write(folder.path(), &written).unwrap();
        write(folder.path(), &written).unwrap();
        let read = read(folder.path(), &written.machine, days_later(29)).unwrap();
        assert_eq!(read, written);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_a_recent_calibration_of_this_machine_holds() {
        let folder = tempfile::tempdir().unwrap();
        let written = calibration();
        let here = &written.machine;
        let at = |machine: &Machine, days| read(folder.path(), machine, days_later(days));
        assert_eq!(at(here, 1), Err(Lack::Missing));
        write(folder.path(), &written).unwrap();
        for other in [
            Machine {
                cpus: 4,
                ..here.clone()
            },
            Machine {
                os: "p".into(),
                ..here.clone()
            },
        ] {
            assert_eq!(at(&other, 1), Err(Lack::OtherMachine));
        }
        assert_eq!(at(here, 31), Err(Lack::Old(written.started.clone())));
        let before = days_later(0) - Duration::from_secs(1);
        assert!(matches!(
            read(folder.path(), here, before),
            Err(Lack::Old(_))
        ));
    }

    #[test]
    fn unusable_files_are_refused_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let text = serde_json::to_string(&calibration()).unwrap();
        for bad in [
            String::new(),
            "{}".into(),
            "[1]".into(),
            "\u{1b}[31m".into(),
            text.replace("\"schema\":1", "\"schema\":2"),
            text.replace("\"floor\":0.02", "\"floor\":-0.5"),
            text.replace("\"floor\":0.02", "\"floor\":1e300"),
            text.replace("\"floor\":0.02", "\"floor\":null"),
            text.replace("2026-01-02", "yesterday"),
        ] {
            fs::write(&path, &bad).unwrap();
            let lack = read(folder.path(), &calibration().machine, days_later(1)).unwrap_err();
            let line = lack.to_string();
            assert!(
                matches!(lack, Lack::Unusable(_) | Lack::Old(_)) && line.lines().count() == 1,
                "{bad}: {line}"
            );
            assert!(line.contains("cargo xtask calibrate"), "{line}");
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let lack = read(folder.path(), &calibration().machine, days_later(1)).unwrap_err();
        assert!(matches!(lack, Lack::Unusable(_)), "{lack}");
    }
}
