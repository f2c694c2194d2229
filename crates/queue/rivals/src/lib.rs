//! The benches of `queue` against its rivals live in `benches/`: `cargo bench -p queue-rivals`.
#![forbid(unsafe_code)]
