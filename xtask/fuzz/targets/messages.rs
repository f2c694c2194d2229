//! Arbitrary bytes as cargo's output: messages of a build, and metadata.

#![no_main]

use libfuzzer_sys::fuzz_target;
use xtask::cargo::executables;
use xtask::packages::Packages;

fuzz_target!(|bytes: &[u8]| {
    let _ = executables(bytes);
    let _ = Packages::from_metadata(bytes);
});
