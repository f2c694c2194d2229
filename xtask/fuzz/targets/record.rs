//! Arbitrary bytes as the record of a pick: refused, or a list of files below the folder.

#![no_main]

use std::path::{Component, Path};

use libfuzzer_sys::fuzz_target;
use xtask::pick::Record;

fuzz_target!(|bytes: &[u8]| {
    let Ok(record) = Record::parse(bytes) else {
        return;
    };
    for path in record.files.keys() {
        let mut parts = Path::new(path).components();
        assert!(
            !path.is_empty() && parts.all(|part| matches!(part, Component::Normal(_))),
            "{path:?}"
        );
    }
});
