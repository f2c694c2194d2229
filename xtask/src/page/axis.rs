//! A logarithmic axis of times.

use crate::render::number::number;

/// The width of a figure in its own units; the page stretches it.
pub(super) const WIDTH: f64 = 1_000.0;

/// A range narrower than this factor is widened, so that noise does not fill the figure.
const LEAST_RANGE: f64 = 1.6;

/// Times of at most 64 bits, and rates of requests; what is beyond has no place on an axis.
const USABLE: std::ops::RangeInclusive<f64> = 1e-3..=u64::MAX as f64;

/// The room for a label, and the places where labels may be.
const LABEL: f64 = 180.0;
const ENDS: std::ops::Range<f64> = 50.0..950.0;

/// More ticks than this have no room on any axis.
const MOST_TICKS: usize = 12;

/// From the smallest to the largest time, with room at both ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogAxis {
    low: f64,
    high: f64,
}

impl LogAxis {
    /// Around all of these that are times; `None` if none is.
    pub(super) fn around(times: impl IntoIterator<Item = f64>) -> Option<LogAxis> {
        let usable = times.into_iter().filter(|ns| USABLE.contains(ns));
        let (low, high) = usable.fold((f64::INFINITY, 0.0_f64), |(low, high), ns| {
            (low.min(ns), high.max(ns))
        });
        if high == 0.0 {
            return None;
        }
        let (low, high) = (low.ln(), high.ln());
        let lacking = (LEAST_RANGE.ln() - (high - low)).max(0.0);
        let room = 0.04 * (high - low) + lacking / 2.0;
        Some(LogAxis {
            low: low - room,
            high: high + room,
        })
    }

    /// The place of a time in a figure of this width; times beyond the ends are at the ends.
    pub(super) fn place(&self, ns: f64) -> f64 {
        let part = (ns.max(f64::MIN_POSITIVE).ln() - self.low) / (self.high - self.low);
        WIDTH * part.clamp(0.0, 1.0)
    }

    /// Round times on the axis: as many as have room for their labels.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let mut best = Vec::new();
        for steps in STEPS {
            let ticks = self.round(*steps);
            if ticks.len() > best.len() && self.have_room(&ticks) {
                best = ticks;
            }
        }
        best
    }

    /// Whether no label reaches into the next one.
    fn have_room(&self, ticks: &[f64]) -> bool {
        let mut pairs = ticks.windows(2);
        pairs.all(|pair| self.place(pair[1]) - self.place(pair[0]) >= LABEL)
    }

    fn round(&self, steps: Steps) -> Vec<f64> {
        let (low, high) = (self.low.exp(), self.high.exp());
        let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
        let mut ticks: Vec<f64> = match steps {
            Steps::Decades(every) => decades.filter(|at| at % every == 0).map(power).collect(),
            Steps::Within(digits) => decades
                .flat_map(|decade| digits.iter().map(move |digit| digit * power(decade)))
                .collect(),
            Steps::Even(part) => {
                let step = part * power(high.log10().floor() as i32);
                let first = (low / step).ceil();
                let all = (0..=MOST_TICKS).map(|at| (first + at as f64) * step);
                all.take_while(|ns| *ns <= high).collect()
            }
        };
        // At the very ends, labels would be cut off.
        ticks.retain(|ns| ENDS.contains(&self.place(*ns)));
        ticks
    }
}

/// Sets of round numbers, from the coarsest to the finest.
#[derive(Debug, Clone, Copy)]
enum Steps {
    /// Each power of ten whose exponent is divisible by this.
    Decades(i32),
    /// These digits in each decade.
    Within(&'static [f64]),
    /// Multiples of this part of the largest power of ten.
    Even(f64),
}

const STEPS: &[Steps] = &[
    Steps::Decades(9),
    Steps::Decades(6),
    Steps::Decades(3),
    Steps::Decades(2),
    Steps::Decades(1),
    Steps::Within(&[1.0, 3.0]),
    Steps::Within(&[1.0, 2.0, 5.0]),
    Steps::Even(2.0),
    Steps::Even(1.0),
    Steps::Even(0.5),
    Steps::Even(0.2),
    Steps::Even(0.1),
];

/// `10 ms` for a round time.
pub(super) fn label(ns: f64) -> String {
    let (per_unit, unit) = match ns {
        x if x < 999.5 => (1.0, "ns"),
        x if x < 999.5e3 => (1e3, "µs"),
        x if x < 999.5e6 => (1e6, "ms"),
        _ => (1e9, "s"),
    };
    // A multiple of a tenth need not be exact in binary.
    let value: f64 = format!("{:.5e}", ns / per_unit).parse().unwrap_or(0.0);
    format!("{} {unit}", number(value))
}

fn power(exponent: i32) -> f64 {
    10_f64.powi(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64) -> Vec<String> {
        let axis = LogAxis::around([low, high]).expect("times");
        axis.ticks().into_iter().map(label).collect()
    }

    #[test]
    fn ticks_are_round_and_apart() {
        assert_eq!(labels(1.1e6, 16e6), ["2 ms", "5 ms", "10 ms"]);
        assert_eq!(labels(1e3, 1e9), ["10 µs", "1 ms", "100 ms"]);
        assert_eq!(labels(20e6, 21e6), ["18 ms", "20 ms", "22 ms", "24 ms"]);
        for decades in 0..18 {
            for part in 1..40 {
                let high = 10_f64.powi(decades) * (1.0 + f64::from(part) / 4.0);
                let axis = LogAxis::around([1.0, high]).expect("times");
                let ticks = axis.ticks();
                assert!((1..=5).contains(&ticks.len()), "{high}: {ticks:?}");
                assert!(axis.have_room(&ticks), "{high}: {ticks:?}");
            }
        }
    }

    #[test]
    fn axis_has_no_place_for_impossible_times() {
        assert!(LogAxis::around([f64::NAN, 0.0, -1.0, 1e-300, 1e300]).is_none());
        let axis = LogAxis::around([f64::NAN, 5.0, 50.0]).expect("times");
        assert_eq!(axis.place(0.0), 0.0);
        assert_eq!(axis.place(1e300), WIDTH);
        assert!(axis.place(5.0) > 0.0 && axis.place(50.0) < WIDTH);
        assert!(axis.place(f64::NAN) <= WIDTH);
    }
}
