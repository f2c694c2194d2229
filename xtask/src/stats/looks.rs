//! How the error of a verdict is split between the looks at its samples.

/// The confidence of each of this many planned looks.
///
/// Stopping as soon as an interval clears the margin gives each look another chance to err, so the
/// 5 % are split between the looks (Bonferroni's inequality). Seven values can bear the part of a
/// look: 2 / 128 = 1.56 %.
pub fn confidences(looks: usize) -> &'static [f64] {
    match looks {
        0 => &[],
        1 => &[0.95],
        2 => &[0.984, 0.966],
        _ => &[0.984, 0.984, 0.982],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_looks_together_err_in_at_most_one_of_twenty() {
        for looks in 1..=3 {
            let errors: f64 = confidences(looks).iter().map(|c| 1.0 - c).sum();
            assert_eq!(confidences(looks).len(), looks);
            assert!(errors <= 0.05 + 1e-12, "{looks}: {errors}");
        }
    }

    #[test]
    fn seven_values_bear_the_first_look() {
        assert_eq!(super::super::fewest(confidences(3)[0]), 7);
        assert_eq!(super::super::fewest(confidences(1)[0]), 6);
    }
}
