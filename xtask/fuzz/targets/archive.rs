//! Arbitrary bytes as the archive of a crate, compressed or not: refused, or files below a folder.

#![no_main]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use xtask::pick::unpack;

fuzz_target!(|bytes: &[u8]| {
    let _ = unpack(bytes);
    // Entered behind the checksum, which fuzzing cannot guess.
    let mut packed = GzEncoder::new(Vec::new(), Compression::none());
    let packed = packed.write_all(bytes).and_then(|()| packed.finish());
    let files = packed.and_then(|packed| unpack(&packed));
    for path in files.into_iter().flatten().map(|(path, _)| path) {
        assert!(xtask::files::is_plain(&path), "{path:?}");
    }
});
