//! Contestants that are not measured for what they say of themselves, or cannot say anything.

use libtest_mimic::Trial;

use crate::scene::{fails, trial, with};
use crate::support::Comparison;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("one_without_a_version_is_not_measured", || {
            fails(&with("noversion@hello").run(), "it did not say its version");
        }),
        trial("one_with_another_protocol_is_not_measured", || {
            fails(
                &with("protocol@hello").run(),
                "it speaks version 2 of the protocol",
            );
        }),
        trial("more_own_threads_than_allowed_are_not_measured", || {
            fails(
                &with("many_own_threads@hello").run(),
                "it declares 1000000 threads of its own",
            );
        }),
        trial("two_variants_of_one_name_are_not_measured", || {
            fails(
                &with("same_names@hello").run(),
                "it names two variants \"twice\"",
            );
        }),
        trial("a_program_that_cannot_be_run_is_a_row", || {
            let comparison = Comparison::tiny();
            let text = comparison.file("text", "not a program");
            make_executable(&text);
            let comparison = comparison.runner("foreign", &[text.to_str().expect("UTF-8")]);
            fails(&comparison.run(), "could not be started: ");
        }),
    ]
}

/// A file that the system takes for a program until it tries.
fn make_executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(path, mode).expect("the file is ours");
}
