//! The benches of `thread-pool` against its rivals live in `benches/`: `cargo bench -p thread-pool-rivals`.
#![forbid(unsafe_code)]
