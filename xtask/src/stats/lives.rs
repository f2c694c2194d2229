//! Samples by the lives of their processes: which samples count, and whether lives differ.
//!
//! A process keeps its luck of memory layout for life. Where that luck matters more than the noise
//! of single samples, samples of one life say the same thing again and again, and only lives are
//! independent. See Kalibera and Jones, "Rigorous Benchmarking in Reasonable Time", ISMM 2013.

use std::collections::BTreeMap;

use workload::value::Rng;
use workload_stats::median;

use crate::results::{Cell, RESPONSE, Sample};

/// The first sample of a life is left out where it differs by more than this from the others of its
/// life: a fifth of the default margin, so that what stays cannot decide a verdict.
const FIRST_DIFFERS: f64 = 0.01;

/// Fewer lives than this cannot show that lives differ.
const FEWEST_LIVES: usize = 3;

/// Random regroupings that the observed grouping is compared with.
const PERMUTATIONS: u32 = 199;

/// Lives differ when at most one in this many random groupings differs as much.
///
/// The test only decides which bounds are used, so missing a difference is the costly error: at one
/// in twenty, four lives of three rounds hide most of them, and in simulation the bounds cover the
/// truth in as little as 91 % of the cases instead of 95 %. Tests that decide whether to pool are
/// commonly made at about 25 %; see Bozivich, Bancroft and Hartley, "Power of Analysis of Variance
/// Test Procedures for Certain Incompletely Specified Models", Annals of Mathematical Statistics
/// 27, 1956.
const ONE_IN: u32 = 5;

/// A value and the life of the processes that it comes from.
pub(super) type OfLife = (u32, f64);

/// The samples that count: all, or all but the first of each life where those differ, or only the
/// first ones where there are no others.
pub fn counted(cell: &Cell) -> Vec<&Sample> {
    let later: Vec<&Sample> = cell.samples.iter().filter(|s| !s.warm_up).collect();
    if later.is_empty() || !first_differs(&cell.samples) {
        cell.samples.iter().collect()
    } else {
        later
    }
}

/// Whether the first samples of lives typically differ from the others of the same life.
fn first_differs(samples: &[Sample]) -> bool {
    let mut lives: BTreeMap<u32, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    for sample in samples {
        let (first, later) = lives.entry(sample.life).or_default();
        let served = sample.metrics.contains_key(RESPONSE);
        let time = sample.judged_ns(served);
        if sample.warm_up {
            first.push(time);
        } else {
            later.push(time);
        }
    }
    let ratios: Vec<f64> = lives
        .values()
        .filter_map(|(first, later)| Some(median(first)? / median(later)?))
        .collect();
    median(&ratios).is_none_or(|ratio| (ratio - 1.0).abs() > FIRST_DIFFERS)
}

/// The median of each life.
pub(super) fn medians(values: &[OfLife]) -> Vec<f64> {
    let groups = groups(values).into_values();
    groups.filter_map(|group| median(&group)).collect()
}

/// Whether the values differ more between lives than within them: a permutation test of the ranks
/// (the statistic of Kruskal and Wallis), with fixed seeds so that it can be repeated.
pub(super) fn differ(values: &[OfLife]) -> bool {
    let groups = groups(values);
    if groups.len() < FEWEST_LIVES || groups.len() == values.len() {
        return false;
    }
    let sizes: Vec<usize> = groups.values().map(Vec::len).collect();
    let mut ranks = ranks(&groups.into_values().flatten().collect::<Vec<f64>>());
    let observed = between(&ranks, &sizes);
    let mut rng = Rng::new(ranks.len() as u64);
    let mut as_much = 1;
    for _ in 0..PERMUTATIONS {
        for last in (1..ranks.len()).rev() {
            ranks.swap(last, rng.below(last as u64 + 1) as usize);
        }
        as_much += u32::from(between(&ranks, &sizes) >= observed);
    }
    as_much * ONE_IN <= PERMUTATIONS + 1
}

fn groups(values: &[OfLife]) -> BTreeMap<u32, Vec<f64>> {
    let mut groups: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for (life, value) in values {
        groups.entry(*life).or_default().push(*value);
    }
    groups
}

/// The rank of each value, from 1; equal values share their mean rank.
fn ranks(values: &[f64]) -> Vec<f64> {
    let below = |value: f64| values.iter().filter(|other| **other < value).count();
    let equal = |value: f64| values.iter().filter(|other| **other == value).count();
    values
        .iter()
        .map(|value| below(*value) as f64 + (equal(*value) as f64 + 1.0) / 2.0)
        .collect()
}

/// The sum over the groups of the squared sum of ranks by size: larger when groups differ.
fn between(ranks: &[f64], sizes: &[usize]) -> f64 {
    let mut rest = ranks;
    let mut sum = 0.0;
    for size in sizes {
        let (group, others) = rest.split_at(*size);
        rest = others;
        sum += group.iter().sum::<f64>().powi(2) / *size as f64;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives_far_apart_differ_and_equal_lives_do_not() {
        let apart: Vec<OfLife> = (0..12)
            .map(|n| (n / 3, f64::from(n / 3) + 0.01 * f64::from(n % 3)))
            .collect();
        assert!(differ(&apart));
        let equal: Vec<OfLife> = (0..12).map(|n| (n / 3, f64::from(n % 3))).collect();
        assert!(!differ(&equal));
        assert!(!differ(&apart[..6]), "two lives cannot show it");
        let single: Vec<OfLife> = (0..12).map(|n| (n, f64::from(n))).collect();
        assert!(!differ(&single), "one sample a life has nothing within");
        assert!(!differ(&[]));
    }

    #[test]
    fn equal_lives_are_called_different_one_time_in_five() {
        let mut draw = crate::stats::simulation::exponential(5);
        let trials = 1_000;
        let called = (0..trials)
            .filter(|_| {
                let values: Vec<OfLife> = (0..12).map(|n| (n / 3, draw())).collect();
                differ(&values)
            })
            .count();
        let rate = called as f64 / f64::from(trials);
        assert!((0.17..=0.23).contains(&rate), "{rate}");
    }

    #[test]
    fn equal_values_share_their_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
    }

    #[test]
    fn life_medians_agree_with_a_count_by_hand() {
        let values = [(1, 5.0), (0, 1.0), (0, 3.0), (1, 9.0), (1, 6.0)];
        assert_eq!(medians(&values), [2.0, 6.0]);
    }
}
