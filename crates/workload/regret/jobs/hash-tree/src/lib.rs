//! Hashes the files of a directory tree with SHA-256: tasks that read and compute, of very
//! different sizes.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// The number of files.
pub const TASKS: usize = 400;

const SMALL_BYTES: usize = 64 * 1024;
const LARGE_BYTES: usize = 2 * 1024 * 1024;

/// The paths of the files of a tree in the folder for temporary files, which is made on the first
/// call and used again. One file in sixteen is large.
///
/// # Panics
///
/// If the tree cannot be written.
pub fn inputs(tasks: usize, seed: u64) -> Vec<String> {
    let root = std::env::temp_dir().join(format!("regret-hash-tree-{seed}-{tasks}"));
    (0..tasks)
        .map(|task| {
            let path = root.join(format!("{:02}/{task}.bin", task % 20));
            let bytes = if task % 16 == 0 {
                LARGE_BYTES
            } else {
                SMALL_BYTES
            };
            write_once(&path, bytes, seed ^ task as u64).expect("a tree to hash");
            path.to_str()
                .expect("a folder with a name in UTF-8")
                .to_owned()
        })
        .collect()
}

/// Several processes may do this at once, so the file gets its name when it is complete.
fn write_once(path: &Path, bytes: usize, seed: u64) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|found| found.len() == bytes as u64) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
    let mut state = seed | 1;
    let content: Vec<u8> = (0..bytes)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        })
        .collect();
    let own = path.with_extension(std::process::id().to_string());
    File::create(&own)?.write_all(&content)?;
    fs::rename(own, path)
}

/// The first bytes of the hash of the file.
///
/// # Errors
///
/// If the file cannot be read.
pub fn run(path: &String) -> Result<u64, String> {
    hash(Path::new(path)).map_err(|error| format!("{path}: {error}"))
}

fn hash(path: &Path) -> io::Result<u64> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            count => hasher.update(&chunk[..count]),
        }
    }
    let hash = hasher.finalize();
    let first = hash.first_chunk::<8>().copied().unwrap_or_default();
    Ok(u64::from_be_bytes(first))
}
