//! The benches of `child-process` against its rivals are in `benches/`: run
//! `cargo bench -p child-process-rivals`.
#![forbid(unsafe_code)]
