//! The program under test, the same under any terminal, locale and CI.

use std::process::Command;

/// The variables that say how an output looks.
const LOOKS: [&str; 6] = ["COLUMNS", "LANG", "LC_ALL", "LC_CTYPE", "NO_COLOR", "TERM"];

/// `cargo xtask` without those variables, which a test may set again.
pub(crate) fn xtask() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    for name in LOOKS {
        command.env_remove(name);
    }
    command
}
