//! How many reports a second there may be.

/// A token bucket: filled at a constant rate up to a second's worth.
#[derive(Debug)]
pub(crate) struct Limit {
    per_second: u64,
    /// In nanoseconds' worth of tokens, each of which is a second.
    level: u64,
    at: u64,
    suppressed: u64,
}

const TOKEN: u64 = 1_000_000_000;

impl Limit {
    pub(crate) fn new(per_second: u32) -> Self {
        let per_second = u64::from(per_second);
        Self {
            per_second,
            level: per_second * TOKEN,
            at: 0,
            suppressed: 0,
        }
    }

    /// Whether a report may go out now. If it may: how many could not since the last one that did.
    pub(crate) fn take(&mut self, now: u64) -> Option<u64> {
        let gained = now.saturating_sub(self.at).saturating_mul(self.per_second);
        self.level = self
            .level
            .saturating_add(gained)
            .min(self.per_second * TOKEN);
        self.at = now;
        if self.level < TOKEN {
            self.suppressed += 1;
            return None;
        }
        self.level -= TOKEN;
        Some(std::mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_so_many_and_the_rest_is_counted() {
        let mut limit = Limit::new(3);
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
        let mut limit = Limit::new(0);
        assert_eq!((limit.take(0), limit.take(u64::MAX)), (None, None));
    }
}
