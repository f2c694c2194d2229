//! The benches of `locks` against its rivals live in `benches/`: `cargo bench -p locks-rivals`.
