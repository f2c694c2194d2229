//! The rate limit of reports: a token bucket.

/// Filled at a constant rate, up to a second's worth or one token per watched thread.
#[derive(Debug)]
pub(crate) struct RateLimit {
    per_second: u64,
    /// How many tokens fit.
    capacity: u64,
    /// Whether the capacity follows the number of watched threads.
    grows: bool,
    /// In units of `TOKEN`, so that a rate of n per second adds n per nanosecond.
    level: u64,
    at: u64,
    suppressed: u64,
}

const TOKEN: u64 = 1_000_000_000;

impl RateLimit {
    /// Allows `per_second` reports a second.
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

    /// Like [`fixed`](Self::fixed), but allows a burst of one report per watched thread.
    pub(crate) fn growing(per_second: u32) -> Self {
        Self {
            grows: true,
            ..Self::fixed(per_second)
        }
    }

    /// Sets the number of watched threads. Only a new maximum adds tokens, so threads that come and
    /// go do not raise the rate.
    pub(crate) fn set_watched(&mut self, threads: usize) {
        let threads = threads as u64;
        if self.grows && threads > self.capacity {
            self.level += (threads - self.capacity).saturating_mul(TOKEN);
            self.capacity = threads;
        }
    }

    /// Takes a token for a report. Returns how many reports were suppressed since the last one, or
    /// `None` if this one is.
    pub(crate) fn take(&mut self, now: u64) -> Option<u64> {
        let suppressed = self.spend(now);
        if suppressed.is_none() {
            self.suppressed += 1;
        }
        suppressed
    }

    /// Like `take`, for a delayed report, which was counted as suppressed then.
    pub(crate) fn take_again(&mut self, now: u64) -> Option<u64> {
        let suppressed = self.spend(now)?;
        Some(suppressed.saturating_sub(1))
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
    fn limit_holds_per_second_and_counts_the_rest() {
        let mut limit = RateLimit::fixed(3);
        let answers: Vec<_> = (0..5).map(|_| limit.take(1)).collect();
        assert_eq!(answers, [Some(0), Some(0), Some(0), None, None]);
        assert_eq!(limit.take(TOKEN / 3 + 2), Some(2));
        assert_eq!(limit.take(TOKEN / 3 + 3), None);
        // After any pause: a second's worth.
        let answers: Vec<_> = (0..4).map(|_| limit.take(100 * TOKEN)).collect();
        assert_eq!(answers, [Some(1), Some(0), Some(0), None]);
    }

    #[test]
    fn limit_of_zero_allows_none() {
        let mut limit = RateLimit::fixed(0);
        assert_eq!((limit.take(0), limit.take(u64::MAX)), (None, None));
        assert_eq!(limit.take_again(u64::MAX), None);
    }

    #[test]
    fn burst_grows_with_threads_but_the_rate_does_not() {
        let mut limit = RateLimit::growing(2);
        limit.set_watched(5);
        let allowed =
            |limit: &mut RateLimit, now| (0..9).filter(|_| limit.take(now).is_some()).count();
        assert_eq!(allowed(&mut limit, 1), 5);
        limit.set_watched(3);
        limit.set_watched(5);
        assert_eq!(allowed(&mut limit, 1), 0, "threads came and went");
        assert_eq!(allowed(&mut limit, 1 + TOKEN), 2);
        assert_eq!(allowed(&mut limit, 1 + 100 * TOKEN), 5);
        let mut limit = RateLimit::fixed(2);
        limit.set_watched(5);
        assert_eq!(allowed(&mut limit, 1), 2);
    }

    #[test]
    fn delayed_report_does_not_count_itself() {
        let mut limit = RateLimit::fixed(1);
        assert_eq!(limit.take(0), Some(0));
        assert_eq!((limit.take(0), limit.take(0)), (None, None));
        assert_eq!(limit.take_again(TOKEN / 2), None);
        assert_eq!(limit.take_again(TOKEN), Some(1));
    }
}
