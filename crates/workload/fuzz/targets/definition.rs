//! Any text as a definition: refused in one line, or inputs can be made of it and read back.

#![no_main]

use std::io::BufReader;

use libfuzzer_sys::fuzz_target;
use workload::definition::{Definition, parse};
use workload::inputs::{make, read_from, write};

/// Inputs of more tasks take memory and cover nothing new.
const FEW: usize = 8;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let definition = match parse(text, "fuzzed.toml") {
        Ok(definition) => definition,
        Err(error) => {
            let line = error.to_string();
            assert!(
                line.starts_with("fuzzed.toml:") && line.lines().count() == 1,
                "{line:?}"
            );
            return;
        }
    };
    let tasks = definition.tasks.min(FEW);
    let inputs = make(
        &Definition {
            tasks,
            ..definition
        },
        600,
    );
    let mut file = Vec::new();
    write(&inputs, &mut file).expect("memory takes it");
    let read = read_from(BufReader::new(&file[..]), "fuzzed.jsonl".as_ref());
    assert_eq!(read.expect("what was made can be read"), inputs);
});
