//! The arguments of `footprint`.

use clap::Args;

/// The arguments of `footprint`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct FootprintArgs {
    /// The crates [default: all]
    #[arg(value_name = "CRATE")]
    pub crates: Vec<String>,
    /// Put the answer between the `footprint` markers of each README
    #[arg(long)]
    pub write: bool,
}
