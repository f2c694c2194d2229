//! The loop of `compute` steps.

/// Iterates Marsaglia's xorshift ("Xorshift RNGs", 2003, the triple 13, 7, 17). Each iteration
/// depends on the one before, so no compiler can skip any.
#[inline(never)]
pub fn compute(value: u64, iterations: u64) -> u64 {
    // Zero is the one value that xorshift never leaves.
    let mut x = if value == 0 { 1 } else { value };
    for _ in 0..iterations {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    x
}
