//! The runner of `tokio-tasks` in the comparison.
fn main() {}
