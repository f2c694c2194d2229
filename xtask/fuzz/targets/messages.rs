//! Any bytes as what cargo prints: messages of a build, and its metadata.

#![no_main]

use libfuzzer_sys::fuzz_target;
use xtask::cargo::executables;
use xtask::packages::Packages;

fuzz_target!(|bytes: &[u8]| {
    let _ = executables(bytes);
    let _ = Packages::from_metadata(bytes);
});
