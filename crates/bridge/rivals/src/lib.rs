//! The benches of `bridge` against its rivals live in `benches/`: `cargo bench -p bridge-rivals`.
#![forbid(unsafe_code)]
