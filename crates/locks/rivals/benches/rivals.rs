//! `locks` against its rivals, in one run.

fn main() {}
