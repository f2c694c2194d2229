//! "Did you mean": the known name closest to a mistyped one.

/// A shorter prefix could belong to anything.
const SHORTEST_BEGINNING: usize = 3;

/// A longer word is no misspelling of any name, and comparing it would only cost time.
const LONGEST: usize = 80;

/// The closest name: the one with the fewest edits, at most a third of its letters, where swapping
/// two letters is one edit. Failing that, the first name that starts with `given`, as `tokio-tasks`
/// starts with `tokio`.
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

/// A sentence for the middle of a message, with a space after it; empty if no name is close.
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
    fn mistyped_names_find_the_intended_one() {
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
