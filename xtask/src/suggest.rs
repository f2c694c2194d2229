//! "Did you mean": the known name that a mistyped one is nearest to.

/// A beginning of a name that is shorter could be the beginning of anything.
const SHORTEST_BEGINNING: usize = 3;

/// What is far longer than any name is no misspelling, and would only cost time.
const LONGEST: usize = 80;

/// The nearest name: the one that takes the fewest edits, where two swapped letters are one edit and a third of the letters
/// is the most; else the first that begins with what was given, as `tokio-tasks` does with `tokio`.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if given.len() > LONGEST {
        return None;
    }
    let given = given.to_lowercase();
    let known: Vec<&str> = known.into_iter().collect();
    let edited = known
        .iter()
        .map(|name| (strsim::osa_distance(&given, name), *name))
        .filter(|(edits, name)| *edits <= name.chars().count().div_ceil(3))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name);
    edited.or_else(|| {
        let long_enough = given.chars().count() >= SHORTEST_BEGINNING;
        let mut begun = known.iter().filter(|name| name.starts_with(&given));
        begun.next().filter(|_| long_enough).copied()
    })
}

/// A sentence for the middle of a message, with a space after it; empty where no name is near.
pub fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(given, known).map_or_else(String::new, |name| format!("did you mean `{name}`? "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 9] = [
        "compare",
        "waits",
        "gcd",
        "threads",
        "thread-pool",
        "tokio-tasks",
        "data-parallel",
        "test",
        "ci",
    ];

    #[test]
    fn mistyped_names_find_the_one_that_was_meant() {
        for (given, meant) in [
            ("comapre", "compare"),
            ("waist", "waits"),
            ("gdc", "gcd"),
            ("treads", "threads"),
            ("thread", "threads"),
            ("thread-pol", "thread-pool"),
            ("tokio", "tokio-tasks"),
            ("data", "data-parallel"),
            ("Threads", "threads"),
            ("tset", "test"),
        ] {
            assert_eq!(nearest(given, KNOWN), Some(meant), "{given}");
        }
        assert_eq!(did_you_mean("waist", KNOWN), "did you mean `waits`? ");
    }

    #[test]
    fn names_unlike_any_other_find_none() {
        for given in ["", "qqqqq", "to", "everything", &"threads".repeat(1000)] {
            assert_eq!(nearest(given, KNOWN), None, "{given}");
        }
        assert_eq!(did_you_mean("qqqqq", KNOWN), "");
    }
}
