//! The values of `--workers`: numbers for all models, or for one.

use std::collections::BTreeSet;

use super::value::{is_name, number};

/// The most workers.
pub(crate) const MOST: u64 = 4096;

/// The value of one `--workers`: numbers, each for all models or for the one that is named before
/// it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workers(Vec<(Option<String>, usize)>);

impl Workers {
    /// These numbers for one model.
    pub(crate) fn of(model: &str, numbers: impl IntoIterator<Item = usize>) -> Workers {
        let numbers = numbers.into_iter();
        Workers(
            numbers
                .map(|number| (Some(model.to_owned()), number))
                .collect(),
        )
    }
}

/// Reads `2,64` and `thread-pool=16,64`: a name counts for all numbers after it, up to the next
/// name.
pub(super) fn workers(text: &str) -> Result<Workers, String> {
    let mut model = None;
    let mut read = Vec::new();
    for part in text.split(',') {
        let figures = match part.split_once('=') {
            Some((name, figures)) if is_name(name) => {
                model = Some(name.to_owned());
                figures
            }
            Some((name, _)) => {
                return Err(format!(
                    "the MODEL `{name}` may have a-z, 0-9 and - only, as in thread-pool=64; its variants share the number"
                ));
            }
            None => part,
        };
        read.push((model.clone(), number(figures, 1, MOST)? as usize));
    }
    Ok(Workers(read))
}

/// The numbers for the model, or with `None` those for all models. Each once, since two alike would
/// make two rows that read the same.
pub fn numbers(given: &[Workers], of: Option<&str>) -> Vec<usize> {
    let mut seen = BTreeSet::new();
    let all = given.iter().flat_map(|workers| &workers.0);
    all.filter(|(model, _)| model.as_deref() == of)
        .map(|(_, number)| *number)
        .filter(|number| seen.insert(*number))
        .collect()
}

/// The models that have numbers of their own, each once.
pub fn models(given: &[Workers]) -> BTreeSet<&str> {
    let all = given.iter().flat_map(|workers| &workers.0);
    all.filter_map(|(model, _)| model.as_deref()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_belong_to_the_model_named_before_them() {
        let given = ["2,64", "thread-pool=16,64,queue=4", "64,thread-pool=16"];
        let given: Vec<Workers> = given.iter().map(|text| workers(text).unwrap()).collect();
        assert_eq!(numbers(&given, None), [2, 64]);
        assert_eq!(numbers(&given, Some("thread-pool")), [16, 64]);
        assert_eq!(numbers(&given, Some("queue")), [4]);
        assert!(numbers(&given, Some("threads")).is_empty());
        assert_eq!(
            models(&given).into_iter().collect::<Vec<_>>(),
            ["queue", "thread-pool"]
        );
    }

    #[test]
    fn bad_numbers_of_workers_are_refused_with_the_remedy() {
        for (text, words) in [
            ("0", "say a whole number from 1 to 4096"),
            ("2,", "say a whole number from 1"),
            ("-5", "it must be positive"),
            ("thread-pool=", "say a whole number from 1"),
            ("thread-pool=0", "say a whole number from 1"),
            ("=4", "the MODEL `` may have"),
            ("threads/cores=4", "its variants share the number"),
            ("thread-pool=4=5", "say a whole number from 1"),
        ] {
            let error = workers(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
