//! The benches of `child-process` against its rivals live in `benches/`: `cargo bench -p child-process-rivals`.
#![forbid(unsafe_code)]
