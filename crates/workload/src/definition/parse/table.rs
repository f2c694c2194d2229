//! Typed access to a parsed TOML table, with errors that know the place of each value.

use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{DefinitionError, Source};
use super::nearest::use_one_of;

/// A table and its place.
#[derive(Debug, Clone)]
pub(super) struct Table<'a> {
    pub(super) source: Source<'a>,
    pub(super) span: Range<usize>,
    entries: &'a DeTable<'a>,
}

impl<'a> Table<'a> {
    pub(super) fn new(
        source: Source<'a>,
        span: Range<usize>,
        entries: &'a DeTable<'a>,
    ) -> Table<'a> {
        Table {
            source,
            span,
            entries,
        }
    }

    /// Refuses all other keys; reports the first one in the file.
    pub(super) fn allow(&self, keys: &[&str]) -> Result<(), DefinitionError> {
        match self
            .entries()
            .into_iter()
            .find(|entry| !keys.contains(&entry.key))
        {
            Some(entry) => Err(self.source.error(
                entry.key_span.clone(),
                format!("unknown key `{}`", super::error::shorten(entry.key)),
                use_one_of(entry.key, keys),
            )),
            None => Ok(()),
        }
    }

    /// All entries, in the order of the file.
    pub(super) fn entries(&self) -> Vec<Entry<'a>> {
        let mut entries: Vec<Entry<'a>> = self
            .entries
            .iter()
            .map(|(key, value)| Entry::new(self.source, key, value))
            .collect();
        entries.sort_by_key(|entry| entry.key_span.start);
        entries
    }

    pub(super) fn get(&self, key: &str) -> Option<Entry<'a>> {
        let (key, value) = self.entries.get_key_value(key)?;
        Some(Entry::new(self.source, key, value))
    }

    /// The entry, or an error that gives an example of it.
    pub(super) fn require(&self, key: &str, example: &str) -> Result<Entry<'a>, DefinitionError> {
        self.get(key).ok_or_else(|| {
            self.source.error(
                self.span.clone(),
                format!("`{key}` is missing"),
                format!("add for example {example}"),
            )
        })
    }
}

/// A value with its key; the elements of an array have the key of the array.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    pub(super) source: Source<'a>,
    pub(super) key: &'a str,
    pub(super) key_span: Range<usize>,
    value: &'a DeValue<'a>,
    span: Range<usize>,
}

impl<'a> Entry<'a> {
    fn new(
        source: Source<'a>,
        key: &'a Spanned<std::borrow::Cow<'a, str>>,
        value: &'a Spanned<DeValue<'a>>,
    ) -> Entry<'a> {
        Entry {
            source,
            key: key.get_ref(),
            key_span: key.span(),
            value: value.get_ref(),
            span: value.span(),
        }
    }

    /// An error about the value: what it is, and what to do.
    pub(super) fn wrong(&self, remedy: impl Into<String>) -> DefinitionError {
        self.source.error(
            self.span.clone(),
            format!("`{}` is {}", self.key, self.quote()),
            remedy,
        )
    }

    /// An error about the value with a reason.
    pub(super) fn wrong_because(&self, reason: &str, remedy: impl Into<String>) -> DefinitionError {
        let problem = format!("`{}` is {}: {reason}", self.key, self.quote());
        self.source.error(self.span.clone(), problem, remedy)
    }

    /// An error about the key, which is not allowed here.
    pub(super) fn misplaced(
        &self,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> DefinitionError {
        self.source.error(self.key_span.clone(), problem, remedy)
    }

    /// The value as in the file, or its type if it is too long for a line.
    fn quote(&self) -> String {
        match self.value {
            // Except for inline tables, the span is that of the header or key, not of the value.
            DeValue::Table(_) if !self.source.quote(self.span.clone()).starts_with('{') => {
                "a table".to_owned()
            }
            _ => self.source.quote(self.span.clone()),
        }
    }

    pub(super) fn text(&self, remedy: &str) -> Result<&'a str, DefinitionError> {
        self.value.as_str().ok_or_else(|| self.wrong(remedy))
    }

    /// The string, if the value is one.
    pub(super) fn as_text(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    pub(super) fn table(&self, remedy: &str) -> Result<Table<'a>, DefinitionError> {
        match self.value {
            DeValue::Table(entries) => Ok(Table::new(self.source, self.span.clone(), entries)),
            _ => Err(self.wrong(remedy)),
        }
    }

    pub(super) fn array(&self, remedy: &str) -> Result<Vec<Entry<'a>>, DefinitionError> {
        let elements = self.value.as_array().ok_or_else(|| self.wrong(remedy))?;
        let element = |value: &'a Spanned<DeValue<'a>>| Entry {
            value: value.get_ref(),
            span: value.span(),
            ..self.clone()
        };
        Ok(elements.iter().map(element).collect())
    }

    /// Exactly two elements.
    pub(super) fn pair(&self, remedy: &str) -> Result<[Entry<'a>; 2], DefinitionError> {
        self.array(remedy)?
            .try_into()
            .map_err(|_| self.wrong(remedy))
    }

    /// A whole number within these bounds.
    pub(super) fn whole(&self, bounds: RangeInclusive<u64>) -> Result<u64, DefinitionError> {
        let number = self
            .value
            .as_integer()
            .and_then(|integer| u64::from_str_radix(integer.as_str(), integer.radix()).ok());
        number
            .filter(|number| bounds.contains(number))
            .ok_or_else(|| {
                let (least, most) = (grouped(*bounds.start()), grouped(*bounds.end()));
                self.wrong(format!("write a whole number from {least} to {most}"))
            })
    }

    /// A number, whole or not, that passes the test; the remedy describes the condition.
    pub(super) fn number(
        &self,
        test: impl Fn(f64) -> bool,
        remedy: &str,
    ) -> Result<f64, DefinitionError> {
        let number = match self.value {
            DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
                .ok()
                .map(|integer| integer as f64),
            DeValue::Float(float) => float.as_str().parse().ok(),
            _ => None,
        };
        number
            .filter(|number| test(*number))
            .ok_or_else(|| self.wrong(remedy))
    }
}

/// `10_000_000`: the number as it can be written in TOML.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn digits_are_grouped_in_threes() {
        for (number, text) in [
            (0, "0"),
            (100, "100"),
            (1000, "1_000"),
            (10_000_000, "10_000_000"),
            (123_456, "123_456"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
