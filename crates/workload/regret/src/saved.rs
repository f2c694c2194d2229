//! The row of a job and the times behind it, kept in a folder: a table takes long, and its jobs can
//! be measured one by one.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::measure::Times;
use crate::table::Row;

const ROW: &str = "row.json";
const TIMES: &str = "times.json";

/// Keeps a row, and the times of all versions in seconds.
///
/// # Errors
///
/// If the files cannot be written.
pub fn keep(row: &Row, times: &Times, folder: &Path) -> io::Result<()> {
    let times: BTreeMap<String, &Vec<f64>> = times
        .iter()
        .map(|(version, times)| (version.to_string(), times))
        .collect();
    fs::write(folder.join(TIMES), serde_json::to_vec_pretty(&times)?)?;
    fs::write(folder.join(ROW), serde_json::to_vec_pretty(row)?)
}

/// The row that is kept in this folder.
///
/// # Errors
///
/// If there is none.
pub fn row(folder: &Path) -> io::Result<Row> {
    let file = folder.join(ROW);
    let text = fs::read(&file)
        .map_err(|error| io::Error::other(format!("{}: {error}", file.display())))?;
    Ok(serde_json::from_slice(&text)?)
}
