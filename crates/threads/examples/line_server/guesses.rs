//! The server's search for the number.
//!
//! Every guess is an end of the interval of remaining numbers: the end farther from the previous
//! guess. So past guesses need not be stored, and between two distant ends a `Warmer` or `Colder`
//! rules out half of the interval: with truthful reports, a round over `n` numbers takes about
//! 2 log₂ `n` guesses. Intervals that reports have ruled out are kept and guessed last, in case the
//! reports were wrong. The same reports always lead to the same guesses.

/// The client's report on the last guess, compared with the guess of its previous report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    Unsure,
    Warmer,
    Colder,
    Correct,
}

impl Report {
    pub(crate) const ALL: [Self; 4] = [Self::Unsure, Self::Warmer, Self::Colder, Self::Correct];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Unsure => "Unsure",
            Self::Warmer => "Warmer",
            Self::Colder => "Colder",
            Self::Correct => "Correct",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|report| report.word() == word)
    }
}

/// The limit on ruled-out intervals. Each halves the rest, so truthful reports stay far below it.
const MOST_RULED_OUT: usize = 64;

/// One round. It takes a few words of memory, however many numbers and guesses there are.
#[derive(Debug)]
pub(crate) struct Guesses {
    left: Interval,
    ruled_out: Vec<Interval>,
    /// The last guess.
    last: Option<i64>,
    /// The last guess with a report: the next report compares with it.
    reported: Option<i64>,
    secret: Option<i64>,
}

/// A closed interval; empty if `low` is above `high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Interval {
    // Wider than the numbers, so that one beyond the largest can be represented.
    low: i128,
    high: i128,
}

impl Interval {
    fn is_empty(self) -> bool {
        self.low > self.high
    }
}

impl Guesses {
    pub(crate) fn new(lower: i64, upper: i64) -> Self {
        let left = Interval {
            low: lower.into(),
            high: upper.into(),
        };
        Self {
            left,
            ruled_out: Vec::new(),
            last: None,
            reported: None,
            secret: None,
        }
    }

    /// The secret if it is known, else a number that was not guessed yet; `None` if all were.
    pub(crate) fn next(&mut self) -> Option<i64> {
        if self.secret.is_none() {
            self.last = Some(self.take_an_end()?);
        }
        self.last
    }

    fn take_an_end(&mut self) -> Option<i64> {
        while self.left.is_empty() {
            self.left = self.ruled_out.pop()?;
        }
        let Interval { low, high } = &mut self.left;
        let from_low = self.last.is_none_or(|last| {
            let last = i128::from(last);
            (last - *low).abs() >= (last - *high).abs()
        });
        let end = if from_low { low } else { high };
        let guess = *end;
        *end += if from_low { 1 } else { -1 };
        i64::try_from(guess).ok()
    }

    /// Processes a report on the last guess. `false` if there is no guess to report on.
    pub(crate) fn learn(&mut self, report: Report) -> bool {
        let Some(last) = self.last else { return false };
        if self.secret.is_none() {
            match (report, self.reported) {
                (Report::Correct, _) => self.secret = Some(last),
                (Report::Warmer, Some(before)) => self.nearer_to(last, before),
                (Report::Colder, Some(before)) => self.nearer_to(before, last),
                (Report::Unsure, _) | (_, None) => {}
            }
            self.reported = Some(last);
        }
        true
    }

    /// Keeps the half in which numbers are nearer to `one` than to `other`.
    fn nearer_to(&mut self, one: i64, other: i64) {
        let sum = i128::from(one) + i128::from(other);
        let Interval { low, high } = self.left;
        let (kept, ruled_out) = if one > other {
            let from = low.max(sum.div_euclid(2) + 1);
            (
                Interval { low: from, high },
                Interval {
                    low,
                    high: from - 1,
                },
            )
        } else {
            let to = high.min(-(-sum).div_euclid(2) - 1);
            (Interval { low, high: to }, Interval { low: to + 1, high })
        };
        // A report that leaves nothing contradicts an earlier one, and either may be the wrong one.
        if one != other
            && !kept.is_empty()
            && !ruled_out.is_empty()
            && self.ruled_out.len() < MOST_RULED_OUT
        {
            self.left = kept;
            self.ruled_out.push(ruled_out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The guesses for a truthful client; the last one is the secret.
    fn round(lower: i64, upper: i64, secret: i64) -> Vec<i64> {
        let mut guesses = Guesses::new(lower, upper);
        let mut made = Vec::new();
        let mut before: Option<u64> = None;
        loop {
            let guess = guesses.next().expect("the secret is one of the numbers");
            made.push(guess);
            let distance = guess.abs_diff(secret);
            let report = match before {
                _ if distance == 0 => Report::Correct,
                Some(before) if distance < before => Report::Warmer,
                Some(before) if distance > before => Report::Colder,
                _ => Report::Unsure,
            };
            before = Some(distance);
            assert!(guesses.learn(report));
            if report == Report::Correct {
                assert_eq!(guesses.next(), Some(secret));
                assert_eq!(guesses.next(), Some(secret), "again");
                return made;
            }
        }
    }

    #[test]
    fn every_secret_is_found_without_repetition() {
        for size in 1..40 {
            for secret in 0..size {
                let made = round(-7, size - 8, secret - 7);
                let distinct: BTreeSet<_> = made.iter().collect();
                assert_eq!(distinct.len(), made.len(), "{secret} of {size}: {made:?}");
            }
        }
    }

    #[test]
    fn truthful_reports_take_logarithmic_time() {
        for (lower, upper) in [(0, 999_999), (-500_000, 499_999)] {
            for step in 0..1000 {
                let made = round(lower, upper, lower + step * 997);
                assert!(made.len() <= 44, "{step}: {}", made.len());
            }
        }
        assert!(round(i64::MIN, i64::MAX, 4_711).len() <= 132);
        assert_eq!(round(i64::MIN, i64::MAX, i64::MIN), [i64::MIN]);
    }

    #[test]
    fn any_reports_lead_to_each_number_once() {
        for pattern in 0..4_usize.pow(5) {
            let mut guesses = Guesses::new(-2, 13);
            let mut made = BTreeSet::new();
            while let Some(guess) = guesses.next() {
                // Two bits of the pattern for each guess; `Correct` would end the round.
                let turn = made.len() % 5;
                guesses.learn(Report::ALL[(pattern >> (2 * turn)) % 4 % 3]);
                assert!(made.insert(guess), "{guess} twice, pattern {pattern}");
            }
            assert_eq!(made, (-2..=13).collect(), "pattern {pattern}");
            assert_eq!(guesses.next(), None, "and again none");
        }
    }

    #[test]
    fn report_before_the_first_guess_is_refused() {
        let mut guesses = Guesses::new(1, 5);
        assert!(!guesses.learn(Report::Unsure));
        let made: Vec<_> = std::iter::from_fn(|| guesses.next()).collect();
        assert_eq!(made, [1, 5, 2, 4, 3]);
    }
}
