//! "Did you mean": the nearest of the words that are allowed.

/// Says what is allowed, and which of it was probably meant.
pub(super) fn use_one_of(found: &str, allowed: &[&str]) -> String {
    let list = allowed.join(", ");
    match nearest(found, allowed) {
        Some(word) => format!("did you mean `{word}`? allowed: {list}"),
        None => format!("allowed: {list}"),
    }
}

/// The allowed word that takes the fewest edits, unless that is more than a third of its letters.
fn nearest<'a>(found: &str, allowed: &[&'a str]) -> Option<&'a str> {
    // What is far longer than any word is no misspelling, and would only cost time.
    if found.len() > 40 {
        return None;
    }
    let (edits, word) = allowed
        .iter()
        .map(|word| (distance(found, word), *word))
        .min()?;
    (edits <= word.chars().count().div_ceil(3)).then_some(word)
}

/// Insertions, deletions, replacements, and swaps of two neighbours (optimal string alignment).
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut edits = vec![vec![0; to.len() + 1]; from.len() + 1];
    for i in 0..=from.len() {
        for j in 0..=to.len() {
            if i == 0 || j == 0 {
                edits[i][j] = i + j;
                continue;
            }
            let replaced = edits[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut least = replaced.min(edits[i - 1][j] + 1).min(edits[i][j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                least = least.min(edits[i - 2][j - 2] + 1);
            }
            edits[i][j] = least;
        }
    }
    edits[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        for (from, to, edits) in [
            ("", "", 0),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("taks", "tasks", 1),
            ("gdc", "gcd", 1),
        ] {
            assert_eq!(distance(from, to), edits, "{from} {to}");
            assert_eq!(distance(to, from), edits, "{to} {from}");
        }
    }

    #[test]
    fn a_misspelling_is_recognised_and_nonsense_is_not() {
        let allowed = ["name", "tasks", "pattern"];
        assert_eq!(nearest("taks", &allowed), Some("tasks"));
        assert_eq!(nearest("patern", &allowed), Some("pattern"));
        assert_eq!(nearest("qqqqq", &allowed), None);
        assert_eq!(nearest(&"tasks".repeat(1000), &allowed), None);
    }
}
