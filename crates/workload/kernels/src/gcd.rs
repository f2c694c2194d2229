//! The greatest common divisor by brute force, from Items 53 and 64 of *Effective Python*.

use crate::call::Call;
use crate::rng::Rng;

/// Draws two numbers of about one million from the value and counts down from the smaller one to
/// the first that divides both. The common divisor of close numbers is small, so each call costs
/// about the same.
#[inline(never)]
pub(super) fn gcd(call: Call<'_>) -> u64 {
    let mut rng = Rng::new(call.value);
    let mut draw = || 1_000_000 + rng.below(10_000) as u32;
    u64::from(count_down(draw(), draw()))
}

#[inline(never)]
fn count_down(a: u32, b: u32) -> u32 {
    // 1 divides everything, so the search always ends with an answer.
    (1..=a.min(b))
        .rev()
        .find(|divisor| a.is_multiple_of(*divisor) && b.is_multiple_of(*divisor))
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::count_down;

    #[test]
    fn count_down_finds_the_greatest_divisor() {
        assert_eq!(count_down(12, 18), 6);
        assert_eq!(count_down(17, 5), 1);
        assert_eq!(count_down(1_963_309, 2_265_973), 1);
        assert_eq!(count_down(2_030_677, 3_814_172), 1);
    }
}
