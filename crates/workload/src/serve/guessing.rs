//! Rounds of guessing as requests: the round of a task, and the guesses of the server.

use workload_kernels::rng::{Rng, mix};

use crate::line_protocol::{Player, Round};

/// The largest number of a round; the smallest is 1.
const NUMBERS: u64 = 20;

/// The round of the task with this seed.
pub fn round(seed: u64) -> Round {
    Round {
        lower: 1,
        upper: NUMBERS as i64,
        secret: 1 + Rng::new(seed).below(NUMBERS) as i64,
    }
}

/// The output of the task with this seed: a completed round has found the secret.
pub fn value(seed: u64) -> u64 {
    mix(seed ^ round(seed).secret.cast_unsigned())
}

/// The average number of guesses of the server in a round, over all secrets. The steps of a task
/// precede each guess.
pub fn guesses_per_round() -> f64 {
    let top = NUMBERS as i64;
    let guesses = (1..=top).map(|secret| {
        let mut player = Player::new(Round {
            lower: 1,
            upper: top,
            secret,
        });
        let mut guesses = Guesses::new(1, top);
        let mut made = 0_u32;
        while let Some(guess) = guesses.next() {
            made += 1;
            let report = player.judge(guess);
            if guess == secret || !guesses.learn(report) {
                break;
            }
        }
        made
    });
    f64::from(guesses.sum::<u32>()) / NUMBERS as f64
}

/// The server's search for the number. It always guesses an end of the remaining interval, the one
/// farther from its previous guess, so that a `Warmer` or `Colder` rules out about half. With
/// truthful reports it takes about twice the logarithm of the number of numbers.
#[derive(Debug)]
pub(super) struct Guesses {
    low: i64,
    high: i64,
    last: Option<i64>,
    before: Option<i64>,
    found: bool,
}

impl Guesses {
    pub(super) fn new(low: i64, high: i64) -> Guesses {
        Guesses {
            low,
            high,
            last: None,
            before: None,
            found: false,
        }
    }

    /// The next guess; `None` if no number is left.
    pub(super) fn next(&mut self) -> Option<i64> {
        if self.found {
            return self.last;
        }
        if self.low > self.high {
            return None;
        }
        let from_low = self
            .last
            .is_none_or(|last| last.abs_diff(self.low) >= last.abs_diff(self.high));
        let guess = if from_low { self.low } else { self.high };
        if self.low == self.high {
            // An empty interval: the bounds cannot go beyond the ends of the type.
            (self.low, self.high) = (1, 0);
        } else if from_low {
            self.low += 1;
        } else {
            self.high -= 1;
        }
        self.before = self.last.replace(guess);
        Some(guess)
    }

    /// Processes a report. Returns `false` if there is no guess to report on, or no such report.
    pub(super) fn learn(&mut self, report: &str) -> bool {
        let Some(last) = self.last else { return false };
        match (report, self.before) {
            ("Correct", _) => self.found = true,
            ("Warmer", Some(before)) => self.keep_side_of(last, before),
            ("Colder", Some(before)) => self.keep_side_of(before, last),
            ("Warmer" | "Colder" | "Unsure", _) => {}
            _ => return false,
        }
        true
    }

    fn keep_side_of(&mut self, near: i64, far: i64) {
        // Wider than the numbers, since their sum may overflow.
        let sum = i128::from(near) + i128::from(far);
        let middle = |up: i128| i64::try_from((sum + up).div_euclid(2)).unwrap_or(near);
        if near > far {
            self.low = self.low.max(middle(2));
        } else {
            self.high = self.high.min(middle(-1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn round_takes_about_twice_the_logarithm_of_guesses() {
        let most = 2.0 * (NUMBERS as f64).log2();
        let guesses = guesses_per_round();
        assert!((most / 2.0..=most).contains(&guesses), "{guesses}");
    }

    #[test]
    fn secrets_are_found_without_repeated_guesses() {
        for secret in 1..=100 {
            let mut player = Player::new(Round {
                lower: 1,
                upper: 100,
                secret,
            });
            let mut guesses = Guesses::new(1, 100);
            let mut seen = Vec::new();
            loop {
                let guess = guesses.next().expect("the secret is left");
                assert!(
                    (1..=100).contains(&guess) && !seen.contains(&guess),
                    "{guess}"
                );
                seen.push(guess);
                assert!(guesses.learn(player.judge(guess)));
                if guess == secret {
                    break;
                }
            }
            assert!(seen.len() <= 16, "{secret}: {seen:?}");
            assert_eq!(guesses.next(), Some(secret));
        }
    }

    #[test]
    fn bounds_at_the_ends_of_the_numbers_do_not_overflow() {
        let mut guesses = Guesses::new(i64::MIN, i64::MAX);
        assert_eq!(guesses.next(), Some(i64::MIN));
        assert!(guesses.learn("Unsure"));
        assert_eq!(guesses.next(), Some(i64::MAX));
        assert!(guesses.learn("Warmer"));
        assert!(guesses.next().is_some_and(|guess| guess >= 0));
        let mut one = Guesses::new(i64::MAX, i64::MAX);
        assert!(!one.learn("Unsure"), "nothing was guessed");
        assert_eq!(one.next(), Some(i64::MAX));
        assert_eq!(one.next(), None, "nothing is left");
    }

    #[test]
    fn value_of_a_round_follows_from_its_seed() {
        let secret = round(7).secret;
        assert!((1..=20).contains(&secret));
        assert_eq!(value(7), mix(7 ^ secret.cast_unsigned()));
    }
}
