//! Durations and sizes as people write them: a number directly followed by its unit.

use super::limits::{LARGEST_BYTES, LONGEST_NS};

/// A kind of quantity, with its units and the limit above which it is taken for a mistake.
#[derive(Debug)]
pub(super) struct Quantity {
    name: &'static str,
    /// Each unit with its nanoseconds or bytes.
    units: &'static [(&'static str, f64)],
    most: f64,
    most_in_words: &'static str,
    example: &'static str,
    whole: bool,
}

/// Durations, in nanoseconds.
pub(super) const DURATION: Quantity = Quantity {
    name: "duration",
    units: &[("ns", 1.0), ("us", 1e3), ("ms", 1e6), ("s", 1e9)],
    most: LONGEST_NS as f64,
    most_in_words: "an hour",
    example: "3ms",
    whole: false,
};

/// Sizes, in bytes.
pub(super) const SIZE: Quantity = Quantity {
    name: "size",
    units: &[("B", 1.0), ("KiB", 1024.0), ("MiB", 1_048_576.0)],
    most: LARGEST_BYTES as f64,
    most_in_words: "1024MiB",
    example: "16KiB",
    whole: true,
};

impl Quantity {
    /// Parses a quantity, in nanoseconds or bytes.
    ///
    /// # Errors
    ///
    /// The problem, without the text itself; [`remedy`](Quantity::remedy) says what to do.
    pub(super) fn parse(&self, text: &str) -> Result<f64, String> {
        let number_ends = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(number_ends);
        if text.starts_with('-') {
            return Err(format!("no {} is negative", self.name));
        }
        if !is_decimal(number) {
            return Err("it does not start with a number".to_owned());
        }
        if unit.is_empty() {
            return Err("the unit is missing".to_owned());
        }
        let Some((_, scale)) = self.units.iter().find(|(name, _)| *name == unit) else {
            return Err(format!("`{unit}` is not a unit of a {}", self.name));
        };
        let number: f64 = number
            .parse()
            .map_err(|_| "it does not start with a number".to_owned())?;
        let amount = number * scale;
        if amount > self.most {
            return Err(format!("that is more than {}", self.most_in_words));
        }
        if self.whole && amount.fract() != 0.0 {
            return Err("that is not a whole number of bytes".to_owned());
        }
        Ok(amount)
    }

    /// The remedy for a text that [`parse`](Quantity::parse) refuses.
    pub(super) fn remedy(&self) -> String {
        let units: Vec<&str> = self.units.iter().map(|(name, _)| *name).collect();
        format!(
            "write a number directly followed by one of {}, such as \"{}\", up to {}",
            units.join(", "),
            self.example,
            self.most_in_words
        )
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn example(&self) -> &'static str {
        self.example
    }
}

/// Parses `12` and `1.5`, but not `.5`, `5.`, `1.2.3`, or other forms that Rust accepts.
fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_become_nanoseconds() {
        for (text, nanoseconds) in [
            ("250ns", 250.0),
            ("400us", 400e3),
            ("3ms", 3e6),
            ("1.5ms", 1.5e6),
            ("1s", 1e9),
            ("0s", 0.0),
            ("3600s", 3.6e12),
        ] {
            assert_eq!(DURATION.parse(text), Ok(nanoseconds), "{text}");
        }
    }

    #[test]
    fn sizes_become_bytes() {
        for (text, bytes) in [
            ("12B", 12.0),
            ("16KiB", 16384.0),
            ("1.5KiB", 1536.0),
            ("1MiB", 1048576.0),
            ("1024MiB", 1073741824.0),
        ] {
            assert_eq!(SIZE.parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn invalid_duration_has_a_reason() {
        for (text, why) in [
            ("", "does not start with a number"),
            ("ms", "does not start with a number"),
            (".5ms", "does not start with a number"),
            ("5.ms", "does not start with a number"),
            ("1.2.3ms", "does not start with a number"),
            ("+3ms", "does not start with a number"),
            ("infs", "does not start with a number"),
            ("NaNs", "does not start with a number"),
            ("٣ms", "does not start with a number"),
            ("-3ms", "negative"),
            ("3", "unit is missing"),
            ("3 ms", "` ms` is not a unit"),
            ("3min", "`min` is not a unit"),
            ("3MS", "`MS` is not a unit"),
            ("1e3ms", "`e3ms` is not a unit"),
            ("3KiB", "`KiB` is not a unit of a duration"),
            ("3601s", "more than an hour"),
            (
                "99999999999999999999999999999999999999999999999999s",
                "more than an hour",
            ),
        ] {
            let error = DURATION.parse(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
        let digits = "9".repeat(400) + "s";
        assert!(DURATION.parse(&digits).is_err());
    }

    #[test]
    fn invalid_size_has_a_reason() {
        for (text, why) in [
            ("3kB", "`kB` is not a unit of a size"),
            ("3GiB", "`GiB` is not a unit of a size"),
            ("0.5B", "not a whole number of bytes"),
            ("1025MiB", "more than 1024MiB"),
        ] {
            let error = SIZE.parse(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn remedy_lists_the_units() {
        assert!(DURATION.remedy().contains("ns, us, ms, s"));
        assert!(SIZE.remedy().contains("B, KiB, MiB"));
    }
}
