//! An amount that is fixed or drawn, in nanoseconds or bytes.

use workload_kernels::rng::Rng;

/// The distribution of a duration or a size.
#[derive(Debug, Clone, PartialEq)]
pub enum Distribution {
    /// Always this value.
    Fixed(f64),
    /// Uniform between two bounds, both included.
    Uniform {
        /// The lower bound.
        low: f64,
        /// The upper bound.
        high: f64,
    },
    /// An exponential distribution with this mean.
    Exponential {
        /// The mean.
        mean: f64,
    },
    /// A log-normal distribution.
    Lognormal {
        /// The median.
        median: f64,
        /// The standard deviation of the logarithm.
        sigma: f64,
    },
    /// One of these values with its probability.
    Choice(Vec<(f64, f64)>),
}

impl Distribution {
    /// Draws one value, rounded to a whole nanosecond or byte.
    ///
    /// Logarithm, exponential and cosine come from the `libm` crate and not from the system, so
    /// that equal seeds give equal values on every machine.
    pub fn draw(&self, rng: &mut Rng) -> u64 {
        let value = match self {
            Distribution::Fixed(value) => *value,
            Distribution::Uniform { low, high } => low + (high - low) * rng.unit(),
            Distribution::Exponential { mean } => -mean * libm::log(1.0 - rng.unit()),
            Distribution::Lognormal { median, sigma } => {
                median * libm::exp(sigma * standard_normal(rng))
            }
            Distribution::Choice(choices) => choose(choices, rng.unit()),
        };
        value.round() as u64
    }
}

/// Box and Muller, "A Note on the Generation of Random Normal Deviates" (1958); the second deviate
/// is not used.
fn standard_normal(rng: &mut Rng) -> f64 {
    let radius = libm::sqrt(-2.0 * libm::log(1.0 - rng.unit()));
    radius * libm::cos(std::f64::consts::TAU * rng.unit())
}

/// The last choice takes the rounding error of the probabilities.
fn choose(choices: &[(f64, f64)], unit: f64) -> f64 {
    let mut below = 0.0;
    for (value, probability) in choices {
        below += probability;
        if unit < below {
            return *value;
        }
    }
    choices.last().map_or(0.0, |(value, _)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(distribution: &Distribution) -> f64 {
        let mut rng = Rng::new(1);
        let total: u64 = (0..200_000).map(|_| distribution.draw(&mut rng)).sum();
        total as f64 / 200_000.0
    }

    #[track_caller]
    fn near(actual: f64, expected: f64) {
        assert!(
            (actual / expected - 1.0).abs() < 0.02,
            "{actual} is not near {expected}"
        );
    }

    #[test]
    fn means_are_those_of_the_textbook() {
        near(mean(&Distribution::Fixed(3e6)), 3e6);
        near(
            mean(&Distribution::Uniform {
                low: 1e6,
                high: 5e6,
            }),
            3e6,
        );
        near(mean(&Distribution::Exponential { mean: 4e5 }), 4e5);
        near(
            mean(&Distribution::Lognormal {
                median: 4e5,
                sigma: 0.5,
            }),
            4e5 * (0.125f64).exp(),
        );
        near(
            mean(&Distribution::Choice(vec![(1e6, 0.9), (5e7, 0.1)])),
            0.9e6 + 5e6,
        );
    }

    #[test]
    fn draws_are_the_same_on_every_machine() {
        let mut rng = Rng::new(7);
        let lognormal = Distribution::Lognormal {
            median: 400_000.0,
            sigma: 0.5,
        };
        let drawn: Vec<u64> = (0..4).map(|_| lognormal.draw(&mut rng)).collect();
        // Computed in another language as well, from the definitions of SplitMix64 and of Box and
        // Muller.
        assert_eq!(drawn, [655_699, 157_486, 400_785, 306_994]);
    }
}
