//! Steps of the clock of the day, against the clock that only counts on.

use std::time::{Duration, Instant, SystemTime};

use crate::compare::warnings::Warning;

/// A clock that is corrected gently moves by up to 0.05 %, so twice that is a step.
const GENTLE: f64 = 0.001;

/// And by this much, whatever the time.
const LEAST: Duration = Duration::from_millis(100);

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    day: SystemTime,
    counting: Instant,
}

/// Reads both clocks.
pub(super) fn look() -> Seen {
    Seen {
        day: SystemTime::now(),
        counting: Instant::now(),
    }
}

/// The warning about the difference, if any.
pub(super) fn warning(before: Seen, after: Seen) -> Option<Warning> {
    let passed = (after.counting - before.counting).as_secs_f64();
    let by_day = match after.day.duration_since(before.day) {
        Ok(forward) => forward.as_secs_f64(),
        Err(back) => -back.duration().as_secs_f64(),
    };
    let seconds = by_day - passed;
    (seconds.abs() > LEAST.as_secs_f64() + GENTLE * passed)
        .then_some(Warning::ClockStepped { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(seconds: u64, day: impl Fn(SystemTime) -> SystemTime) -> Option<Warning> {
        let before = look();
        let after = Seen {
            day: day(before.day),
            counting: before.counting + Duration::from_secs(seconds),
        };
        warning(before, after)
    }

    #[test]
    fn clocks_that_agree_are_no_warning() {
        let ms = Duration::from_millis;
        assert_eq!(moved(90, |day| day + ms(90_000)), None);
        assert_eq!(moved(90, |day| day + ms(90_045)), None, "gently corrected");
        assert_eq!(moved(0, |day| day), None);
    }

    #[test]
    fn steps_forward_and_back_are_found() {
        let secs = Duration::from_secs;
        for (seconds, expected) in [(92, 2.0), (80, -10.0)] {
            let Some(Warning::ClockStepped { seconds }) = moved(90, |day| day + secs(seconds))
            else {
                panic!("no step");
            };
            assert!((seconds - expected).abs() < 1e-6, "{seconds}");
        }
        assert!(moved(1, |day| day - secs(3600)).is_some());
    }
}
