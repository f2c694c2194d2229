//! Repeated evidence: a sample that casts doubt on its claim is taken again, and a contestant is
//! refused only if the evidence against it recurs.

use std::time::Instant;

use super::forecast::Needs;
use super::possible::{Agreement, Seen, check_cpu, credible, ms};

/// How often a sample is taken if each contradicts its claim.
const TRIES: u32 = 8;

/// How often if one of them may be right, or if their time is over.
const FEWEST_TRIES: u32 = 3;

/// The bounds that follow from a cell, for all its samples.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// The tasks at once, at most.
    pub(super) at_once: usize,
    /// The processors that it can use at once.
    pub(super) cpus: usize,
    /// The number of outputs.
    pub(super) outputs: usize,
    /// Whether `requests` times the samples.
    pub(super) served: bool,
}

/// The verdict of the evidence on one sample.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// The claim needs no further evidence.
    Credible,
    /// The claim agrees with the time that its answer took.
    Agrees,
    /// It might.
    Doubtful,
    /// It contradicts what was observed, in these words.
    Refuted(String),
}

/// Judges a sample whose claim is not impossible.
pub(super) fn judge(seen: &Seen, needs: &Needs, bounds: Bounds) -> Judgement {
    if let Err(words) = check_cpu(seen, needs.cpu) {
        return Judgement::Refuted(words);
    }
    if bounds.served {
        return Judgement::Credible;
    }
    if let Some(words) = seen.worked_longer(needs, bounds.outputs, bounds.cpus) {
        return Judgement::Refuted(words);
    }
    if seen.wall >= credible(needs, bounds.at_once, bounds.cpus) {
        return Judgement::Credible;
    }
    match seen.agreement(bounds.outputs) {
        Agreement::Good => Judgement::Agrees,
        Agreement::Doubtful => Judgement::Doubtful,
        Agreement::Absurd => Judgement::Refuted(format!(
            "it claims {:.3} ms, but its answer came after {:.3} ms",
            ms(seen.wall),
            ms(seen.elapsed)
        )),
    }
}

/// The tries of one sample.
#[derive(Debug)]
pub(super) struct Tries<T> {
    deadline: Instant,
    done: u32,
    possible: Option<T>,
}

/// The next action after a try.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<T> {
    /// This sample counts.
    Keep(T),
    /// Another try.
    Again,
    /// The contestant is refused, in these words.
    Refuse(String),
}

impl<T> Tries<T> {
    /// No try yet; after the deadline there are no more than the fewest.
    pub(super) fn until(deadline: Instant) -> Tries<T> {
        Tries {
            deadline,
            done: 0,
            possible: None,
        }
    }

    /// Takes note of a try that ended at this moment.
    pub(super) fn after(&mut self, taken: T, judgement: Judgement, now: Instant) -> Next<T> {
        self.done += 1;
        let mut words = String::new();
        match judgement {
            Judgement::Credible | Judgement::Agrees => return Next::Keep(taken),
            Judgement::Doubtful => self.possible = Some(taken),
            Judgement::Refuted(why) => words = why,
        }
        if self.done < FEWEST_TRIES {
            return Next::Again;
        }
        if let Some(taken) = self.possible.take() {
            return Next::Keep(taken);
        }
        if self.done < TRIES && now < self.deadline {
            return Next::Again;
        }
        Next::Refuse(format!("{words}, and so {} times in a row", self.done))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::compare::outside::Span;

    fn refuted() -> Judgement {
        Judgement::Refuted("no".to_owned())
    }

    #[test]
    fn contestant_is_refused_only_after_repeated_evidence() {
        let now = Instant::now();
        let mut tries = Tries::until(now + Duration::from_secs(60));
        for try_ in 1..TRIES {
            assert_eq!(tries.after(try_, refuted(), now), Next::Again);
        }
        let words = "no, and so 8 times in a row".to_owned();
        assert_eq!(tries.after(TRIES, refuted(), now), Next::Refuse(words));
    }

    #[test]
    fn one_possible_sample_of_three_counts() {
        let now = Instant::now();
        let mut tries = Tries::until(now);
        assert_eq!(tries.after(1, Judgement::Doubtful, now), Next::Again);
        assert_eq!(tries.after(2, refuted(), now), Next::Again);
        assert_eq!(tries.after(3, refuted(), now), Next::Keep(1));
        let mut tries = Tries::until(now);
        assert_eq!(tries.after(1, refuted(), now), Next::Again);
        assert_eq!(tries.after(2, Judgement::Agrees, now), Next::Keep(2));
    }

    #[test]
    fn tries_end_at_their_shared_deadline() {
        let now = Instant::now();
        let mut tries = Tries::until(now);
        assert_eq!(tries.after(1, refuted(), now), Next::Again);
        assert_eq!(tries.after(2, refuted(), now), Next::Again);
        let words = "no, and so 3 times in a row".to_owned();
        assert_eq!(tries.after(3, refuted(), now), Next::Refuse(words));
    }

    #[test]
    fn refusal_names_the_bound_that_was_broken() {
        let ms = Duration::from_millis;
        let needs = Needs {
            tasks: 10,
            waiting: Duration::ZERO,
            programs: Duration::ZERO,
            longest: Duration::ZERO,
            cpu: ms(100),
        };
        let bounds = Bounds {
            at_once: 10,
            cpus: 2,
            outputs: 10,
            served: false,
        };
        let cpu = |ms_used| {
            Some(Span {
                at_least: ms(ms_used),
                at_most: ms(ms_used),
                about: ms(ms_used),
            })
        };
        let seen = |wall, elapsed, used| Seen {
            wall: ms(wall),
            elapsed: ms(elapsed),
            cpu: cpu(used),
            idle: None,
            complained: 0,
        };
        for (seen, words) in [
            (seen(50, 51, 1), "done before, or elsewhere"),
            (seen(20, 120, 200), "2 processors"),
            (seen(20, 120, 30), "its answer came after 120.000 ms"),
        ] {
            match judge(&seen, &needs, bounds) {
                Judgement::Refuted(why) => assert!(why.contains(words), "{why}"),
                other => panic!("{other:?} for {seen:?}"),
            }
        }
        let honest = judge(&seen(50, 51, 100), &needs, bounds);
        assert_eq!(honest, Judgement::Credible);
    }
}
