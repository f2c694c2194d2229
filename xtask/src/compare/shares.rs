//! The tables' shares of the budget.

use std::time::Duration;

/// No share but the last is more than this many times what the table needs.
const MOST: f64 = 1.25;

/// The rest of the budget, and the number of tables that share it.
///
/// The needs of a table are known after its first samples. Those of the tables after it are not, so
/// they are taken to be like the typical one so far. Verdicts that stay open although a table had
/// what it needs lie on the margin, or are noise: more time is better spent on the tables to come.
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
        self.needs.sort_unstable();
        let usual = self.needs[self.needs.len() / 2];
        let all = need + usual * self.tables.saturating_sub(1);
        if all.is_zero() {
            return self.equal();
        }
        let share = self.left.mul_f64(need.as_secs_f64() / all.as_secs_f64());
        if self.tables > 1 {
            share.min(need.mul_f64(MOST))
        } else {
            share
        }
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

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn tables_with_equal_needs_have_equal_shares() {
        let mut shares = Shares::of(MS(3_000), 3);
        for _ in 0..3 {
            assert_eq!(
                (shares.equal(), shares.next(MS(900))),
                (MS(1_000), MS(1_000))
            );
            shares.spent(MS(1_000));
        }
        assert_eq!(shares.next(MS(900)), Duration::ZERO);
    }

    #[test]
    fn share_follows_the_need_and_what_others_left() {
        let mut shares = Shares::of(MS(4_000), 4);
        assert_eq!(shares.next(MS(1_000)), MS(1_000));
        shares.spent(MS(400));
        assert_eq!(shares.next(MS(1_000)), MS(1_200));
        shares.spent(MS(1_200));
        // Three times as long as the others, of which one is to come.
        assert_eq!(shares.next(MS(3_000)), MS(1_800));
        shares.spent(MS(1_800));
        assert_eq!(
            shares.next(MS(10)),
            MS(600),
            "the last has all that is left"
        );
    }

    #[test]
    fn table_that_needs_little_leaves_the_rest() {
        let mut shares = Shares::of(MS(40_000), 4);
        assert_eq!(shares.next(MS(100)), MS(125));
        let mut idle = Shares::of(MS(4_000), 4);
        assert_eq!(idle.next(Duration::ZERO), MS(1_000), "nothing to compare");
    }
}
