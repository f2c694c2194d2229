//! The benches of `async-std-tasks` against its rivals, in `benches/`:
//! `cargo bench -p async-std-tasks-rivals`.
#![forbid(unsafe_code)]
