//! The arguments of `report`.

use std::path::PathBuf;

use clap::Args;

/// The results of a comparison, and the forms to render them in.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct ReportArgs {
    /// A results.json that `compare` wrote
    #[arg(value_name = "RESULTS.json")]
    pub results: PathBuf,
    /// All tables instead of the answer on one screen
    #[arg(long)]
    pub details: bool,
    /// Write the page of the comparison
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write the matrix as a picture for a README, an SVG that is light or dark as its reader's
    /// system
    #[arg(long, value_name = "FILE")]
    pub picture: Option<PathBuf>,
    /// Write the answer and all tables as Markdown, to paste into a pull request or an issue
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// Write every sample as a record
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Write when and where the tasks of each model ran, as a trace for Perfetto (ui.perfetto.dev)
    /// and chrome://tracing
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Put the answer and one table between the `measured` markers of this document, or with
    /// --details all tables
    #[arg(long, value_name = "FILE")]
    pub into: Option<PathBuf>,
    /// Put the figures of each Item between the `measured` markers of its page, item-NN.md in this
    /// folder
    #[arg(long, value_name = "DIR")]
    pub items: Option<PathBuf>,
}
