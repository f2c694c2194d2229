//! The benches of `pipeline` against its rivals live in `benches/`: `cargo bench -p
//! pipeline-rivals`.
#![forbid(unsafe_code)]
