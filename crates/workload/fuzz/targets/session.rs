//! Any bytes on a connection to a server, split in any way, and any lines of logs in a merge.

#![no_main]

use libfuzzer_sys::fuzz_target;
use workload::definition::Talk;
use workload::serve::Session;
use workload::task::{Lines, Merge};

/// Logs of a merge.
const LOGS: usize = 3;

fuzz_target!(|bytes: &[u8]| {
    let Some((size, bytes)) = bytes.split_first() else {
        return;
    };
    for talk in [Talk::Tasks, Talk::Guess] {
        converse(talk, bytes, usize::from(*size).max(1));
    }
    merge(bytes, usize::from(*size).max(1));
});

fn converse(talk: Talk, bytes: &[u8], size: usize) {
    let mut session = Session::new(talk, 5);
    let mut said = Vec::new();
    for piece in bytes.chunks(size) {
        session.receive(piece);
        while let Some(asked) = session.next_request() {
            assert!(asked.is_none_or(|task| task < 5), "{asked:?}");
            session.answer(&Ok(asked.unwrap_or(0) as u64));
        }
        said.extend(session.take_output());
    }
    let text = String::from_utf8(said).expect("text");
    let errors = text
        .lines()
        .filter(|line| line.starts_with("ERROR "))
        .count();
    assert_eq!(errors, usize::from(!session.is_open()), "{text:?}");
}

fn merge(bytes: &[u8], size: usize) {
    let merge = Merge::new(LOGS);
    for (number, piece) in bytes.chunks(size).enumerate() {
        merge.feed(number % LOGS, piece, piece.last() == Some(&b'.'));
    }
    let _ = merge.digest();
}
