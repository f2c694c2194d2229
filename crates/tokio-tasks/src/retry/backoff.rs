//! `Backoff`, the pauses between the attempts of a retry.
//!
//! Several crates link this file.

use std::time::Duration;

use super::random::Random;

/// The pauses between attempts.
///
/// Without jitter, clients that failed together come back together and fail again: see Marc
/// Brooker, *Exponential Backoff And Jitter* (AWS Architecture Blog, 2015).
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "a back-off does nothing until it is passed to a `Retry`"]
pub struct Backoff {
    first: Duration,
    factor: f64,
    max: Duration,
    jitter: f64,
}

impl Backoff {
    /// 100 ms, doubled each time up to 10 s, with a jitter of a half.
    pub(super) const fn standard() -> Self {
        Self {
            first: Duration::from_millis(100),
            factor: 2.0,
            max: Duration::from_secs(10),
            jitter: 0.5,
        }
    }

    /// No pause.
    pub const fn none() -> Self {
        Self::constant(Duration::ZERO)
    }

    /// The same pause each time.
    pub const fn constant(pause: Duration) -> Self {
        Self {
            first: pause,
            factor: 1.0,
            max: Duration::MAX,
            jitter: 0.0,
        }
    }

    /// `first`, then `factor` times as long each time. Set a [`max`](Self::max) to bound it.
    ///
    /// # Panics
    /// If `factor` is not a finite number of at least 1.
    #[track_caller]
    pub const fn exponential(first: Duration, factor: f64) -> Self {
        assert!(
            factor.is_finite() && factor >= 1.0,
            "the factor of a back-off must be finite and at least 1, so that pauses do not shrink"
        );
        Self {
            first,
            factor,
            max: Duration::MAX,
            jitter: 0.0,
        }
    }

    /// No pause is longer than this.
    ///
    /// ```
    /// use std::time::Duration;
    #[doc = example!(Backoff, Retry)]
    /// // Pauses of 1, 2, 4, 5, 5 … milliseconds.
    /// let millisecond = Duration::from_millis(1);
    /// let backoff = Backoff::exponential(millisecond, 2.0).max(5 * millisecond);
    /// let attempt = |attempt| async move { if attempt < 3 { Err("busy") } else { Ok(attempt) } };
    /// assert_eq!(Retry::new().backoff(backoff).run(attempt).await, Ok(3));
    /// # Ok(())
    /// # }
    /// ```
    pub const fn max(mut self, max: Duration) -> Self {
        self.max = max;
        self
    }

    /// Shortens each pause at random, by up to this share of it. 0 leaves it as it is; 1 makes it
    /// any time between zero and the whole.
    ///
    /// # Panics
    /// If `share` is not between 0 and 1.
    ///
    /// ```
    /// use std::time::Duration;
    #[doc = example!(Backoff, Retry)]
    /// // Each pause is between 5 and 10 milliseconds.
    /// let backoff = Backoff::constant(Duration::from_millis(10)).jitter(0.5);
    /// let attempt = |attempt| async move { if attempt < 3 { Err("busy") } else { Ok(attempt) } };
    /// assert_eq!(Retry::new().backoff(backoff).run(attempt).await, Ok(3));
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub const fn jitter(mut self, share: f64) -> Self {
        assert!(
            0.0 <= share && share <= 1.0,
            "the jitter of a back-off is a share of the pause, between 0 and 1"
        );
        self.jitter = share;
        self
    }

    /// The pause after `attempts` attempts.
    pub(super) fn pause(&self, attempts: usize, random: &mut Random) -> Duration {
        let times = i32::try_from(attempts.saturating_sub(1)).unwrap_or(i32::MAX);
        let whole = self.first.as_secs_f64() * self.factor.powi(times);
        // The product may be too large for a `Duration`, or not a number: 0 times infinity.
        let whole = Duration::try_from_secs_f64(whole).unwrap_or(if self.first.is_zero() {
            Duration::ZERO
        } else {
            Duration::MAX
        });
        let whole = whole.min(self.max);
        if self.jitter == 0.0 {
            return whole;
        }
        let share = self.jitter * random.share();
        whole.saturating_sub(
            Duration::try_from_secs_f64(whole.as_secs_f64() * share).unwrap_or(whole),
        )
    }
}

impl Default for Backoff {
    /// 100 ms, doubled each time up to 10 s, with a jitter of a half.
    fn default() -> Self {
        Self::standard()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(backoff: Backoff, seed: u64) -> Vec<Duration> {
        let mut random = Random::new(Some(seed));
        (1..=8)
            .map(|attempts| backoff.pause(attempts, &mut random))
            .collect()
    }

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn pauses_grow_up_to_the_maximum() {
        let backoff = Backoff::exponential(MS, 3.0).max(100 * MS);
        let expected = [1, 3, 9, 27, 81, 100, 100, 100].map(|n| n * MS);
        assert_eq!(pauses(backoff, 1), expected);
        assert_eq!(pauses(Backoff::constant(MS), 1), [MS; 8]);
        assert_eq!(pauses(Backoff::none(), 1), [Duration::ZERO; 8]);
    }

    #[test]
    fn jitter_shortens_by_at_most_its_share() {
        let plain = Backoff::exponential(100 * MS, 2.0);
        let jittered = plain.jitter(0.25);
        for (whole, pause) in pauses(plain, 7).into_iter().zip(pauses(jittered, 7)) {
            assert!(
                pause <= whole && pause >= whole * 3 / 4,
                "{pause:?} of {whole:?}"
            );
        }
        assert_eq!(pauses(jittered, 7), pauses(jittered, 7));
        assert_ne!(pauses(jittered, 7), pauses(jittered, 8));
    }

    #[test]
    fn pause_is_defined_after_any_number_of_attempts() {
        let mut random = Random::new(Some(0));
        for jitter in [0.0, 1.0] {
            let endless = Backoff::exponential(MS, 1e300).jitter(jitter);
            endless.pause(usize::MAX, &mut random);
            let none = Backoff::exponential(Duration::ZERO, 2.0).jitter(jitter);
            assert_eq!(none.pause(usize::MAX, &mut random), Duration::ZERO);
        }
        let capped = Backoff::exponential(MS, 2.0).max(7 * MS);
        assert_eq!(capped.pause(usize::MAX, &mut random), 7 * MS);
    }

    #[test]
    fn senseless_factor_or_jitter_panics() {
        for factor in [0.5, f64::NAN, f64::INFINITY, -1.0] {
            assert!(std::panic::catch_unwind(|| Backoff::exponential(MS, factor)).is_err());
        }
        for share in [-0.1, 1.1, f64::NAN] {
            assert!(std::panic::catch_unwind(|| Backoff::none().jitter(share)).is_err());
        }
    }
}
