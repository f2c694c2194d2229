//! The outcome of a call: a value, or a value or an error.

use std::fmt::Display;
use std::hint::black_box;

use workload::task::{Failure, Output};

use super::value::{Value, hash};

/// The return type of `run`: a [`Value`], or a `Result` with one and an error that can be shown.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be hashed alike in every process",
    label = "no `job::Value`, and no `Result` with one",
    note = "outputs are numbers, text, bytes, and tuples, lists and sorted maps of these",
    note = "a structure of your own: `job::value!(Type {{ field, field }});`",
    note = "a type that implements `Hash`: return `job::Hashed(value)`",
    note = "a HashMap has no order that repeats: collect it into a BTreeMap"
)]
pub trait Outcome {
    /// The hash of the value, or 0 if it is not wanted.
    ///
    /// # Errors
    ///
    /// The error.
    fn into_output(self, hashed: bool) -> Output;
}

impl<T: Value> Outcome for T {
    #[inline]
    fn into_output(self, hashed: bool) -> Output {
        if hashed {
            return Ok(hash(&self));
        }
        // The compiler must not leave out the work behind it.
        black_box(&self);
        Ok(0)
    }
}

impl<T: Value, E: Display> Outcome for Result<T, E> {
    #[inline]
    fn into_output(self, hashed: bool) -> Output {
        match self {
            Ok(value) => value.into_output(hashed),
            // With its causes, as anyhow and others show them.
            Err(error) => Err(Failure::new(format_args!("{error:#}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_is_its_value_or_its_error() {
        let right = 7.into_output(true);
        assert_eq!(Ok::<_, String>(7).into_output(true), right);
        assert_ne!(right, Ok(0));
        assert_eq!(7.into_output(false), Ok(0));
        let error = Err::<i32, _>("no\nmore").into_output(true).unwrap_err();
        assert_eq!(error.to_string(), "no", "the first line");
    }
}
