//! The surroundings of a table's cells: its workload, the comparison's servers, limits and
//! progress.

use std::cell::RefCell;
use std::time::Duration;

use super::interrupt::Interrupt;
use super::progress::Progress;
use super::servers::Servers;
use crate::results::Workload;
use crate::stats::Rules;

/// The conditions that all cells of a table share.
#[derive(Debug)]
pub(super) struct Conditions<'a> {
    /// As it will stand in the results.
    pub(super) workload: &'a Workload,
    /// The figure that its cells are judged by.
    pub(super) rules: Rules,
    /// How long to wait beyond what is predicted.
    pub(super) patience: Duration,
    /// Ctrl-C.
    pub(super) interrupt: &'a Interrupt,
    /// The comparison's own servers.
    pub(super) servers: &'a RefCell<Servers>,
    /// Where to say how far it is.
    pub(super) progress: &'a Progress,
}
