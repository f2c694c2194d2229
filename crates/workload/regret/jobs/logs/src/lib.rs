//! Counts statuses and bytes in log files by a regular expression: tasks that compute.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

/// The number of pieces.
pub const TASKS: usize = 160;

const PIECE_BYTES: usize = 64 * 1024;

static LINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?m)^(\d+\.\d+\.\d+\.\d+) "(GET|POST) (/[a-z]+)/(\d+)" (\d{3}) (\d+)$"#)
        .expect("a valid pattern")
});

/// Pieces of a log, as a reader of large files would cut them.
pub fn inputs(tasks: usize, seed: u64) -> Vec<String> {
    const PATHS: [&str; 4] = ["/item", "/search", "/cart", "/static"];
    (0..tasks as u64)
        .map(|task| {
            let mut state = seed ^ (task + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mut piece = String::with_capacity(PIECE_BYTES + 128);
            while piece.len() < PIECE_BYTES {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let random = state >> 33;
                let status = [200, 200, 200, 304, 404, 500][(random % 6) as usize];
                let path = PATHS[(random >> 8) as usize % PATHS.len()];
                piece += &format!(
                    "10.0.{}.{} \"GET {path}/{}\" {status} {}\n",
                    random & 0xFF,
                    (random >> 4) & 0xFF,
                    random % 10_000,
                    random % 50_000,
                );
            }
            piece
        })
        .collect()
}

/// The number of answers and their bytes, by path and status.
///
/// # Errors
///
/// If a number is too large.
pub fn run(piece: &String) -> Result<BTreeMap<String, (u64, u64)>, String> {
    let mut found: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for line in LINE.captures_iter(piece) {
        let entry = found
            .entry(format!("{} {}", &line[3], &line[5]))
            .or_default();
        entry.0 += 1;
        entry.1 += line[6].parse::<u64>().map_err(|error| error.to_string())?;
    }
    Ok(found)
}
