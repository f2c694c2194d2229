//! The benches of `job-trace` live in `benches/`: `cargo bench -p job-trace-rivals`. The program
//! `replays` records workloads of the comparison and compares the rankings of their replays:
//! `cargo run --release -p job-trace-rivals --bin replays`.
#![forbid(unsafe_code)]
