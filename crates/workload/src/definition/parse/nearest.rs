//! "Did you mean": the closest of the allowed words.

/// Lists the allowed words, and names the one that was probably meant.
pub(super) fn use_one_of(found: &str, allowed: &[&str]) -> String {
    let list = allowed.join(", ");
    match nearest(found, allowed) {
        Some(word) => format!("did you mean `{word}`? allowed: {list}"),
        None => format!("allowed: {list}"),
    }
}

/// The closest allowed word, where at most a third of its letters differ. A swap of two letters is
/// one edit.
fn nearest<'a>(found: &str, allowed: &[&'a str]) -> Option<&'a str> {
    // A far longer word is not a misspelling, and comparing it would only cost time.
    if found.len() > 40 {
        return None;
    }
    let (edits, word) = allowed
        .iter()
        .map(|word| (strsim::osa_distance(found, word), *word))
        .min()?;
    (edits <= word.chars().count().div_ceil(3)).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelling_is_recognised_and_nonsense_is_not() {
        let allowed = ["name", "tasks", "pattern"];
        assert_eq!(nearest("taks", &allowed), Some("tasks"));
        assert_eq!(nearest("patern", &allowed), Some("pattern"));
        assert_eq!(nearest("qqqqq", &allowed), None);
        assert_eq!(nearest(&"tasks".repeat(1000), &allowed), None);
    }
}
