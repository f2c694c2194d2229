//! The limit on the rate of reports.

/// A token bucket: filled at a constant rate, up to a second's worth or one token per watched
/// thread.
#[derive(Debug)]
pub(crate) struct Limit {
    per_second: u64,
    /// How many tokens fit.
    capacity: u64,
    /// Whether the capacity follows the number of watched threads.
    grows: bool,
    /// In nanoseconds' worth of tokens, each of which is a second.
    level: u64,
    at: u64,
    suppressed: u64,
}

const TOKEN: u64 = 1_000_000_000;

impl Limit {
    /// At most `per_second` reports a second.
    pub(crate) fn fixed(per_second: u32) -> Self {
        let per_second = u64::from(per_second);
        Self {
            per_second,
            capacity: per_second,
            grows: false,
            level: per_second * TOKEN,
            at: 0,
            suppressed: 0,
        }
    }

    /// As [`fixed`](Self::fixed), but a burst may have one report per watched thread.
    pub(crate) fn growing(per_second: u32) -> Self {
        Self {
            grows: true,
            ..Self::fixed(per_second)
        }
    }

    /// Takes note of the number of watched threads. Only a new maximum adds tokens, so threads
    /// that come and go do not raise the rate.
    pub(crate) fn watched(&mut self, threads: usize) {
        let threads = threads as u64;
        if self.grows && threads > self.capacity {
            self.level += (threads - self.capacity).saturating_mul(TOKEN);
            self.capacity = threads;
        }
    }

    /// Whether a report may go out now. If it may: how many could not since the last one that did.
    pub(crate) fn take(&mut self, now: u64) -> Option<u64> {
        let left_out = self.spend(now);
        if left_out.is_none() {
            self.suppressed += 1;
        }
        left_out
    }

    /// The same for a report that could not go out before, and was counted then.
    pub(crate) fn take_again(&mut self, now: u64) -> Option<u64> {
        let left_out = self.spend(now)?;
        Some(left_out.saturating_sub(1))
    }

    fn spend(&mut self, now: u64) -> Option<u64> {
        let gained = now.saturating_sub(self.at).saturating_mul(self.per_second);
        self.level = self.level.saturating_add(gained);
        self.level = self.level.min(self.capacity.saturating_mul(TOKEN));
        self.at = now;
        self.level = self.level.checked_sub(TOKEN)?;
        Some(std::mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_so_many_and_the_rest_is_counted() {
        let mut limit = Limit::fixed(3);
        let answers: Vec<_> = (0..5).map(|_| limit.take(1)).collect();
        assert_eq!(answers, [Some(0), Some(0), Some(0), None, None]);
        assert_eq!(limit.take(TOKEN / 3 + 2), Some(2));
        assert_eq!(limit.take(TOKEN / 3 + 3), None);
        // However long it was quiet: a second's worth.
        let answers: Vec<_> = (0..4).map(|_| limit.take(100 * TOKEN)).collect();
        assert_eq!(answers, [Some(1), Some(0), Some(0), None]);
    }

    #[test]
    fn none_may_be_allowed() {
        let mut limit = Limit::fixed(0);
        assert_eq!((limit.take(0), limit.take(u64::MAX)), (None, None));
        assert_eq!(limit.take_again(u64::MAX), None);
    }

    #[test]
    fn burst_grows_with_the_number_of_threads_but_the_rate_does_not() {
        let mut limit = Limit::growing(2);
        limit.watched(5);
        let allowed = |limit: &mut Limit, now| (0..9).filter(|_| limit.take(now).is_some()).count();
        assert_eq!(allowed(&mut limit, 1), 5);
        limit.watched(3);
        limit.watched(5);
        assert_eq!(allowed(&mut limit, 1), 0, "threads came and went");
        assert_eq!(allowed(&mut limit, 1 + TOKEN), 2);
        assert_eq!(allowed(&mut limit, 1 + 100 * TOKEN), 5);
        let mut limit = Limit::fixed(2);
        limit.watched(5);
        assert_eq!(allowed(&mut limit, 1), 2);
    }

    #[test]
    fn a_delayed_report_does_not_count_itself_as_left_out() {
        let mut limit = Limit::fixed(1);
        assert_eq!(limit.take(0), Some(0));
        assert_eq!((limit.take(0), limit.take(0)), (None, None));
        assert_eq!(limit.take_again(TOKEN / 2), None);
        assert_eq!(limit.take_again(TOKEN), Some(1));
    }
}
