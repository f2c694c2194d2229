//! The runner of `threads` in the comparison.
fn main() {}
