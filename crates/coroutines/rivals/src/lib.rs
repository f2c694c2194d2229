//! The benches of `coroutines` against its rivals, in `benches/`:
//! `cargo bench -p coroutines-rivals`.
#![forbid(unsafe_code)]
