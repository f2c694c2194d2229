//! The tables' shares of the budget.

use std::time::Duration;

/// What is left of the budget, and for how many tables.
///
/// What a table needs is known after its first samples. What the tables after it need is not, so
/// they are taken to be like those so far: a table that needs twice as much as they do gets twice the
/// share.
#[derive(Debug)]
pub(super) struct Shares {
    left: Duration,
    tables: u32,
    needs: Vec<Duration>,
}

impl Shares {
    /// The shares of that many tables.
    pub(super) fn of(budget: Duration, tables: usize) -> Shares {
        Shares {
            left: budget,
            tables: u32::try_from(tables).unwrap_or(u32::MAX),
            needs: Vec::new(),
        }
    }

    /// An equal share of what is left.
    pub(super) fn equal(&self) -> Duration {
        self.left / self.tables.max(1)
    }

    /// The share of the next table.
    pub(super) fn next(&mut self, need: Duration) -> Duration {
        self.needs.push(need);
        let so_far = u32::try_from(self.needs.len()).unwrap_or(u32::MAX);
        let usual = self.needs.iter().sum::<Duration>() / so_far;
        let all = need + usual * self.tables.saturating_sub(1);
        if all.is_zero() {
            return self.equal();
        }
        self.left.mul_f64(need.as_secs_f64() / all.as_secs_f64())
    }

    /// A table ended after it used that much.
    pub(super) fn spent(&mut self, time: Duration) {
        self.left = self.left.saturating_sub(time);
        self.tables = self.tables.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_with_equal_needs_have_equal_shares() {
        let ms = Duration::from_millis;
        let mut shares = Shares::of(ms(3_000), 3);
        for _ in 0..3 {
            assert_eq!((shares.equal(), shares.next(ms(7))), (ms(1_000), ms(1_000)));
            shares.spent(ms(1_000));
        }
        assert_eq!(shares.next(ms(7)), Duration::ZERO);
    }

    #[test]
    fn share_follows_the_need_and_what_others_left() {
        let ms = Duration::from_millis;
        let mut shares = Shares::of(ms(4_000), 4);
        assert_eq!(shares.next(ms(10)), ms(1_000));
        shares.spent(ms(400));
        // Three times as long as the first: the two to come are taken to need 20 each.
        let share = shares.next(ms(30));
        assert!((ms(1_540)..ms(1_550)).contains(&share), "{share:?}");
        shares.spent(share);
        let mut idle = Shares::of(ms(4_000), 4);
        assert_eq!(idle.next(Duration::ZERO), ms(1_000), "nothing to compare");
    }
}
