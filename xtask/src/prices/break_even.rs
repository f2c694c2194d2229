//! From prices to the sizes of tasks from which a model pays.
//!
//! A loop of calls does *N* tasks of size *s* in *N × s*. A model hands each task over, and does
//! that on *c* processors. With a price of *p* of time and *q* of CPU time per task, of which a
//! call alone takes *q₀*, it needs
//!
//! - at least *N × p*, as the hand-over of empty tasks shows, and
//! - at least *N × (s + q − q₀) ÷ c*, as that is the CPU time that *c* processors have to share.
//!
//! It can be faster only where both are less than *N × s*: from *s = max(p, (q − q₀) ÷ (c − 1))*
//! on. On one processor it never is. Workers that run out of tasks park and have to be woken, which
//! empty tasks handed over in bulk do not show. So sizes from there on are tried, and the one at
//! which the two are level is interpolated.

/// A price may take this part of a processor's time where it counts as nearly free.
const NEARLY_FREE: f64 = 0.05;

/// The price of a task.
#[derive(Debug, Clone, Copy)]
pub(super) struct PerTask {
    /// Time per empty task in a batch.
    pub(super) wall_ns: f64,
    /// CPU time per empty task, beyond that of a call.
    pub(super) cpu_ns: f64,
}

/// The size of a task below which a batch is no faster than a loop of calls; `None` on one
/// processor.
pub(super) fn cannot_pay_below_ns(price: PerTask, cpus: usize) -> Option<f64> {
    let others = cpus.checked_sub(1).filter(|others| *others > 0)?;
    Some(price.wall_ns.max(price.cpu_ns.max(0.0) / others as f64))
}

/// The size of a task from which the price is nearly free: a twentieth of the CPU time, and no
/// bottleneck of the hand-over even with all processors busy.
pub(super) fn nearly_free_from_ns(price: PerTask, cpus: usize) -> f64 {
    (price.cpu_ns.max(0.0) / NEARLY_FREE).max(price.wall_ns * cpus as f64)
}

/// The time of a whole batch from which waking the workers for it pays: *W* in a loop against the
/// cold price plus *W ÷ c*. `None` on one processor.
pub(super) fn batch_pays_from_ns(cold_ns: f64, cpus: usize) -> Option<f64> {
    let cpus = cpus as f64;
    (cpus > 1.0).then(|| cold_ns * cpus / (cpus - 1.0))
}

/// The size at which a speedup of 1 is reached for good, between two sizes that were tried, on a
/// straight line over the logarithms; `None` if it is not reached or not crossed.
pub(super) fn level_at(points: &[(f64, f64)]) -> Option<f64> {
    let valid = |(size, speedup): &(f64, f64)| *size > 0.0 && *speedup > 0.0;
    let pair = points.windows(2).rfind(|pair| pair[0].1 < 1.0)?;
    let [below, above] = [pair[0], pair[1]];
    let crossed = above.1 >= 1.0 && valid(&below) && valid(&above);
    crossed.then(|| {
        let part = -below.1.ln() / (above.1.ln() - below.1.ln());
        below.0 * (above.0 / below.0).powf(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const POOL: PerTask = PerTask {
        wall_ns: 130.0,
        cpu_ns: 400.0,
    };

    #[test]
    fn break_even_is_where_both_bounds_are_met() {
        // On two processors the CPU time decides: 400 of it beside each task.
        assert_eq!(cannot_pay_below_ns(POOL, 2), Some(400.0));
        // Four share it: each task of 133.3 ns costs (133.3 + 400) ÷ 4 = 133.3.
        assert_eq!(cannot_pay_below_ns(POOL, 4).map(f64::round), Some(133.0));
        // With more of them the hand-over is what is left.
        assert_eq!(cannot_pay_below_ns(POOL, 64), Some(130.0));
        assert_eq!(cannot_pay_below_ns(POOL, 1), None);
        assert_eq!(cannot_pay_below_ns(POOL, 0), None);
    }

    #[test]
    fn price_cheaper_than_a_call_leaves_its_time() {
        let noise = PerTask {
            wall_ns: 2.0,
            cpu_ns: -1.0,
        };
        assert_eq!(cannot_pay_below_ns(noise, 2), Some(2.0));
        assert_eq!(nearly_free_from_ns(noise, 2), 4.0);
    }

    #[test]
    fn price_is_nearly_free_at_twenty_times_its_cpu_time() {
        assert_eq!(nearly_free_from_ns(POOL, 2), 8_000.0);
        let serial = PerTask {
            wall_ns: 500.0,
            cpu_ns: 500.0,
        };
        assert_eq!(nearly_free_from_ns(serial, 64), 32_000.0);
    }

    #[test]
    fn batch_has_to_be_worth_waking_workers() {
        assert_eq!(batch_pays_from_ns(60_000.0, 2), Some(120_000.0));
        assert_eq!(batch_pays_from_ns(60_000.0, 4), Some(80_000.0));
        assert_eq!(batch_pays_from_ns(60_000.0, 1), None);
    }

    #[test]
    fn level_size_lies_between_the_sizes_that_were_tried() {
        let level = |speedups: [f64; 3]| {
            let sizes = [100.0, 200.0, 400.0];
            let points: Vec<(f64, f64)> = sizes.into_iter().zip(speedups).collect();
            level_at(&points).map(f64::round)
        };
        // Halfway on both scales.
        assert_eq!(level([0.5, 2.0, 3.0]), Some(141.0));
        assert_eq!(level([0.5, 0.8, 1.25]), Some(283.0));
        assert_eq!(level([0.5, 1.0, 1.2]), Some(200.0));
        // Noise on the way does not count.
        assert_eq!(level([1.1, 0.8, 1.25]), Some(283.0));
        assert_eq!(level([1.1, 1.2, 1.3]), None, "paid from below the first");
        assert_eq!(level([0.5, 0.8, 0.9]), None, "pays above the last");
        assert_eq!(level_at(&[]), None);
    }
}
