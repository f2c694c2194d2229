//! Parsers of flag values, with errors that say what to write instead.

use std::time::Duration;

use workload::definition::Definition;

use crate::results::MAX_ITERATIONS_PER_US;

pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

pub(super) fn name(text: &str) -> Result<String, String> {
    if is_name(text) {
        return Ok(text.to_string());
    }
    Err("a name has a-z, 0-9 and - only; a file goes with --workload-file FILE".to_string())
}

pub(super) fn model(text: &str) -> Result<String, String> {
    let (name, variant) = text.split_once('/').unwrap_or((text, "default"));
    if is_name(name) && is_name(variant) {
        return Ok(text.to_string());
    }
    Err("say NAME or NAME/VARIANT, each of a-z, 0-9 and - only, as in threads/limited".to_string())
}

pub(super) fn runner(text: &str) -> Result<(String, Vec<String>), String> {
    let (name, command) = text
        .split_once('=')
        .ok_or("say NAME=COMMAND, as in mine='./mine --fast'")?;
    if !is_name(name) {
        return Err(format!("the NAME `{name}` may have a-z, 0-9 and - only"));
    }
    let words =
        shell_words::split(command).map_err(|_| "the COMMAND has a quote that is never closed")?;
    if words.first().is_none_or(String::is_empty) {
        return Err("the COMMAND after = is empty: name the program to start".to_string());
    }
    Ok((name.to_string(), words))
}

pub(super) fn number(text: &str, low: u64, high: u64) -> Result<u64, String> {
    let number = text
        .parse::<u64>()
        .ok()
        .filter(|number| (low..=high).contains(number));
    let positive = if low > 0 && text.starts_with('-') {
        "it must be positive: "
    } else {
        ""
    };
    number.ok_or_else(|| format!("{positive}say a whole number from {low} to {high}"))
}

pub(super) fn rate(text: &str) -> Result<f64, String> {
    let most = Definition::MAX_TASKS as f64;
    let rate = text.parse().ok();
    rate.filter(|rate| *rate > 0.0 && *rate <= most)
        .ok_or_else(|| {
            format!("say how many requests come in a second, a number above 0 and up to {most}")
        })
}

pub(super) fn margin(text: &str) -> Result<f64, String> {
    let percent = text.strip_suffix('%').unwrap_or(text).trim_end().parse();
    percent
        .ok()
        .filter(|percent: &f64| (0.0..=50.0).contains(percent))
        .map(|percent| percent / 100.0)
        .ok_or_else(|| "say how many percent, from 0% to 50%, as in 5%".to_string())
}

pub(super) fn slower(text: &str) -> Result<f64, String> {
    let percent = text.strip_suffix('%').unwrap_or(text).trim_end().parse();
    percent
        .ok()
        .filter(|percent: &f64| (0.0..=1000.0).contains(percent))
        .map(|percent| percent / 100.0)
        .ok_or_else(|| "say how many percent, from 0% to 1000%, as in 10%".to_string())
}

pub(super) fn tasks(text: &str) -> Result<usize, String> {
    number(text, 1, 10_000_000).map(|number| number as usize)
}

pub(super) fn seed(text: &str) -> Result<u64, String> {
    number(text, 0, u64::MAX)
}

pub(super) fn iterations(text: &str) -> Result<u64, String> {
    number(text, 1, MAX_ITERATIONS_PER_US)
}

const LONGEST: Duration = Duration::from_secs(3600);

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let refused = || "say a time of at most 1h, as in 500ms, 60s or 2m".to_string();
    let unit = text
        .find(|character: char| character.is_ascii_alphabetic())
        .ok_or_else(refused)?;
    let (figures, unit) = text.split_at(unit);
    // `f64` would also accept signs, exponents and infinity.
    if !figures
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return Err(refused());
    }
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(refused()),
    };
    let figures: f64 = figures.parse().map_err(|_| refused())?;
    Duration::try_from_secs_f64(figures * seconds)
        .ok()
        .filter(|time| *time <= LONGEST)
        .ok_or_else(refused)
}

pub(super) fn patience(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => {
            Err("no runner can answer in no time: say a time such as 30s".to_string())
        }
        time => Ok(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit_and_are_bounded() {
        for (text, milliseconds) in [
            ("60s", 60_000),
            ("500ms", 500),
            ("2m", 120_000),
            ("1h", 3_600_000),
            ("0s", 0),
        ] {
            assert_eq!(
                duration(text).unwrap(),
                Duration::from_millis(milliseconds),
                "{text}"
            );
        }
        for text in [
            "", "60", "s", ".s", "-1s", "+1s", "1e3s", "infs", "NaNs", "1 s", "1us", "61m", "1S",
            "1.2.3s", "½s",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert!(patience("0s").is_err());
    }
}
