//! The grammar of workload files, and the one-line errors of its parser.

mod accepted;
mod files;
mod mutations;
mod products;
mod replay;
mod steps;
mod support;
mod top;
mod trace;
