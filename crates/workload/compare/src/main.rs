//! The runner of `workload` in the comparison.
fn main() {}
