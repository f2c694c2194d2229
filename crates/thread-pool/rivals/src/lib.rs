//! The benches of `thread-pool` against its rivals are in `benches/`: `cargo bench -p
//! thread-pool-rivals`.
#![forbid(unsafe_code)]
