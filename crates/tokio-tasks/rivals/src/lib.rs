//! The benches of `tokio-tasks` against its rivals, in `benches/`:
//! `cargo bench -p tokio-tasks-rivals`.
#![forbid(unsafe_code)]
