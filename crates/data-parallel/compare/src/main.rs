//! The runner of `data-parallel` in the comparison.
fn main() {}
