//! The arguments of `prices`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::DEFAULT_OUTPUT;
use super::value::duration;

/// The arguments of `prices`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct PricesArgs {
    /// Time for all readings, at most 1h [default: 20s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub budget: Option<Duration>,
    /// Where prices.json goes
    #[arg(long, value_name = "DIR", default_value = DEFAULT_OUTPUT)]
    pub output: PathBuf,
    /// Put the list between the `prices` markers of this document
    #[arg(long, value_name = "FILE")]
    pub into: Option<PathBuf>,
}
