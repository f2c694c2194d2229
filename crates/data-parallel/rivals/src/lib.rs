//! Benches of `data-parallel` against its rivals, in `benches/`:
//! `cargo bench -p data-parallel-rivals`.
#![forbid(unsafe_code)]
