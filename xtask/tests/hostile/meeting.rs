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
        trial("a_program_that_does_not_exist_is_a_row", || {
            let comparison = Comparison::tiny().runner("foreign", &["/no/such/program", "x"]);
            fails(&comparison.run(), "could not be started: ");
        }),
        trial("a_program_that_is_none_is_a_row", || {
            let comparison = Comparison::tiny();
            let text = comparison.file("text", "not a program");
            let comparison = comparison.runner("foreign", &[text.to_str().expect("UTF-8")]);
            fails(&comparison.run(), "could not be started: ");
        }),
    ]
}
