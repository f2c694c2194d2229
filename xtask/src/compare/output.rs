//! The standard output of a comparison.

use crate::cli::CompareArgs;

/// The form of the output for each table, and at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    /// Every table, then what they have in common.
    Tables,
    /// A line for each table, then the answer on one screen.
    Answer,
    /// That everything ran and agreed.
    Smoke,
    /// Nothing: another command reads the results.
    Silent,
}

impl Output {
    pub(super) fn of(args: &CompareArgs) -> Output {
        if args.is_quiet {
            Output::Silent
        } else if args.details {
            Output::Tables
        } else if args.smoke {
            Output::Smoke
        } else if args.workloads.is_empty() && args.workload_files.is_empty() && args.job.is_none()
        {
            Output::Answer
        } else {
            Output::Tables
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Command, Parsed, parse};

    #[test]
    fn named_workloads_and_details_print_tables() {
        for (args, output) in [
            (&[][..], Output::Answer),
            (&["--model", "threads"], Output::Answer),
            (&["--details"], Output::Tables),
            (&["gcd"], Output::Tables),
            (&["--workload-file", "orders.toml"], Output::Tables),
            (&["--smoke"], Output::Smoke),
            (&["gcd", "--smoke"], Output::Smoke),
            (&["--smoke", "--details"], Output::Tables),
        ] {
            let args = ["xtask", "compare"].iter().chain(args);
            match parse(args.map(Into::into)).expect("a command") {
                Parsed::Command(Command::Compare(args)) => {
                    assert_eq!(Output::of(&args), output, "{args:?}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
