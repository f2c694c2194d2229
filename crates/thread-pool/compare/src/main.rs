//! The runner of `thread-pool` in the comparison.
fn main() {}
