//! The arguments of `pick`.

use std::path::PathBuf;

use clap::Args;

/// The arguments of `pick`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct PickArgs {
    /// The crate
    #[arg(value_name = "CRATE")]
    pub name: String,
    /// A folder outside this checkout: missing, empty, or an earlier pick of the same crate. Inside
    /// a cargo workspace the crate becomes a member of it
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// Build the crate, but do not run its tests
    #[arg(long)]
    pub no_test: bool,
    /// Bring an earlier pick up to date: files that you changed stay as they are, and are named
    #[arg(long)]
    pub update: bool,
    /// Take edition, lints and dependencies from the workspace of DIR where it declares them
    #[arg(long)]
    pub inherit: bool,
}
