//! The commands behind `cargo xtask`: one file or folder each.

pub mod advise;
pub mod baseline;
pub mod build;
pub mod calibrate;
pub mod calibration;
pub mod cargo;
pub mod ci;
pub mod cli;
pub mod compare;
pub mod error;
pub mod files;
pub mod footprint;
pub mod needs;
pub mod new;
pub mod packages;
pub mod page;
pub mod pick;
pub mod prices;
pub mod render;
pub mod report;
pub mod results;
pub mod rustflags;
pub mod stats;
pub mod suggest;
pub mod terminal;
pub mod test;
pub mod text;
pub mod trace_events;

#[cfg(not(unix))]
compile_error!(
    "the comparison needs Linux or macOS: it talks to its runners through Unix processes and signals"
);
