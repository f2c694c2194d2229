//! The benches of `data-parallel` against its rivals live in `benches/`: `cargo bench -p data-parallel-rivals`.
#![forbid(unsafe_code)]
