//! A duration or a size: fixed, or drawn from a distribution.

use super::super::distribution::Distribution;
use super::super::units::Quantity;
use super::error::DefinitionError;
use super::table::{Entry, Table};

const DISTRIBUTIONS: [&str; 4] = ["uniform", "exponential", "lognormal", "choice"];

/// The limit on the sigma of a log-normal distribution. Beyond it, one draw in forty exceeds the
/// median a hundred-million-fold, which cannot be meant.
const MAX_SIGMA: f64 = 10.0;

/// The tolerance for the sum of the probabilities of a choice.
const TOLERANCE: f64 = 1e-6;

pub(super) fn amount(
    entry: &Entry<'_>,
    quantity: &Quantity,
) -> Result<Distribution, DefinitionError> {
    if entry.as_text().is_some() {
        return Ok(Distribution::Fixed(fixed(entry, quantity)?));
    }
    let remedy = format!(
        "write a {} such as \"{}\", or a distribution: {{ {} = … }}",
        quantity.name(),
        quantity.example(),
        DISTRIBUTIONS.join(" | ")
    );
    let table = entry.table(&remedy)?;
    table.allow(&DISTRIBUTIONS)?;
    match table.entries().as_slice() {
        [only] => distribution(only, quantity),
        [first, second, ..] => Err(second.misplaced(
            format!(
                "`{}` has both `{}` and `{}`",
                entry.key, first.key, second.key
            ),
            "keep one distribution",
        )),
        [] => Err(entry.wrong(remedy)),
    }
}

fn distribution(entry: &Entry<'_>, quantity: &Quantity) -> Result<Distribution, DefinitionError> {
    let example = quantity.example();
    match entry.key {
        "uniform" => {
            let remedy = format!(
                "write the least and the most, such as {{ uniform = [\"{example}\", \"{example}\"] }}"
            );
            let [low, high] = entry.pair(&remedy)?;
            let (low, high) = (fixed(&low, quantity)?, fixed(&high, quantity)?);
            if low > high {
                return Err(entry.wrong_because(
                    "the first is above the second",
                    "write the smaller one first",
                ));
            }
            Ok(Distribution::Uniform { low, high })
        }
        "exponential" => Ok(Distribution::Exponential {
            mean: fixed(entry, quantity)?,
        }),
        "lognormal" => {
            let remedy = format!(
                "write the median and sigma, such as {{ lognormal = [\"{example}\", 0.5] }}"
            );
            let [median, sigma] = entry.pair(&remedy)?;
            let median = fixed(&median, quantity)?;
            let remedy =
                format!("write a number from 0 to {MAX_SIGMA} as the second value, which is sigma");
            let sigma = sigma.number(|sigma| (0.0..=MAX_SIGMA).contains(&sigma), &remedy)?;
            Ok(Distribution::Lognormal { median, sigma })
        }
        // `allow` has refused any other key.
        _ => choice(entry, quantity),
    }
}

fn choice(entry: &Entry<'_>, quantity: &Quantity) -> Result<Distribution, DefinitionError> {
    let example = quantity.example();
    let remedy = format!(
        "write values with their probabilities, such as {{ choice = [[\"{example}\", 0.9], [\"{example}\", 0.1]] }}"
    );
    let mut choices = Vec::new();
    for pair in entry.array(&remedy)? {
        let [value, probability] = pair.pair(&remedy)?;
        let probability = probability.number(
            |p| (0.0..=1.0).contains(&p),
            "write a probability from 0 to 1 as the second value",
        )?;
        choices.push((fixed(&value, quantity)?, probability));
    }
    if choices.is_empty() {
        return Err(entry.wrong(remedy));
    }
    let sum: f64 = choices.iter().map(|(_, probability)| probability).sum();
    if (sum - 1.0).abs() > TOLERANCE {
        // Rounded for people, but not so far that a wrong sum reads as 1.
        let sum = (sum * 1e7).round() / 1e7;
        return Err(entry.wrong_because(
            &format!("the probabilities add up to {sum}"),
            "change them so that they add up to 1",
        ));
    }
    Ok(Distribution::Choice(choices))
}

fn fixed(entry: &Entry<'_>, quantity: &Quantity) -> Result<f64, DefinitionError> {
    let remedy = quantity.remedy();
    quantity
        .parse(entry.text(&remedy)?)
        .map_err(|reason| entry.wrong_because(&reason, remedy))
}

/// The amount of this key, if present.
pub(super) fn optional_amount(
    table: &Table<'_>,
    key: &str,
    quantity: &Quantity,
) -> Result<Option<Distribution>, DefinitionError> {
    table
        .get(key)
        .map(|entry| amount(&entry, quantity))
        .transpose()
}
