//! The arguments of a rival's process.

/// The first argument.
pub(crate) const ECHO: &str = "rival-echo";

/// The arguments that start a rival's process.
pub(crate) fn arguments(rival: &str) -> [&str; 2] {
    [ECHO, rival]
}
