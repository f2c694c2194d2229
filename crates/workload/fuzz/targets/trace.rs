//! Any bytes as a recorded trace: refused in one line, or inputs can be made of it and read back.

#![no_main]

use std::io::BufReader;

use libfuzzer_sys::fuzz_target;
use workload::definition::{Definition, Pattern, Scale, read_trace};
use workload::inputs::{make, read_from, write};

/// Inputs of more tasks take memory and cover nothing new.
const FEW: usize = 8;

fuzz_target!(|bytes: &[u8]| {
    let replay = match read_trace(bytes, "fuzzed.jsonl") {
        Ok(replay) => replay,
        Err(error) => {
            let line = error.to_string();
            assert!(
                line.starts_with("fuzzed.jsonl:") && line.lines().count() == 1,
                "{line:?}"
            );
            return;
        }
    };
    for task in replay.tasks() {
        assert_eq!(task.waits == 0, task.wait_ns == 0, "{task:?}");
    }
    let definition = Definition {
        name: "fuzzed".to_owned(),
        about: String::new(),
        pattern: Pattern::Map,
        tasks: FEW,
        seed: 0,
        items: Vec::new(),
        show: Vec::new(),
        steps: Vec::new(),
        replay: Some(replay),
        scale: Scale::ONE,
    };
    let inputs = make(&definition, 600);
    let mut file = Vec::new();
    write(&inputs, &mut file).expect("memory takes it");
    let read = read_from(BufReader::new(&file[..]), "fuzzed.jsonl".as_ref());
    assert_eq!(read.expect("what was made can be read"), inputs);
});
