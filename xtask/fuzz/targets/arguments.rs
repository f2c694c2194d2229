//! Arbitrary bytes as a command line, with NUL between the arguments: accepted, or refused in one
//! line.

#![no_main]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use libfuzzer_sys::fuzz_target;
use xtask::cli::parse;

fuzz_target!(|bytes: &[u8]| {
    let arguments = bytes.split(|byte| *byte == 0).map(<[u8]>::to_vec);
    let program = OsString::from("xtask");
    let line = std::iter::once(program).chain(arguments.map(OsString::from_vec));
    if let Err(error) = parse(line) {
        let text = error.to_string();
        assert!(!text.is_empty() && text.lines().count() == 1, "{text:?}");
    }
});
