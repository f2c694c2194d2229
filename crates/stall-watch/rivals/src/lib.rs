//! The benches of `stall-watch` against its rivals live in `benches/`: `cargo bench -p
//! stall-watch-rivals`.
#![forbid(unsafe_code)]
