//! Names of workloads, kinds of task, models and variants.

/// The remedy in errors about names.
pub(super) const NAME_REMEDY: &str = "write up to 64 of a-z, 0-9 and -, such as \"orders\"";

const MAX_NAME: usize = 64;

/// Whether the text is a name. Names appear in tables, on the command line and in file names.
pub(super) fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len())
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}
