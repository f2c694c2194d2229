//! The `sequential` runner in its second role: it calibrates, and says which digest is right.

use std::time::Duration;

use workload::protocol::{Reply, Request, Sources};

use super::contestant::{Contestant, introduce, mismatch};
use super::interrupt::Interrupt;
use super::runner::{Asking, Fault, Runner};
use crate::error::Error;

/// The longest that the right answer may take to be found. It is found without the waits and on all
/// processors, so this is a lot of work.
const LONGEST_REFERENCE: Duration = Duration::from_secs(600);

/// The right answer, and its cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reference {
    /// The right digest.
    pub(crate) digest: u64,
    /// CPU time of all tasks together.
    pub(crate) cpu: Duration,
    /// How long tasks waited for programs that used no processor.
    pub(crate) waited: Duration,
}

/// The time of some tasks of a job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rehearsal {
    /// How many, at least 1.
    pub(crate) tasks: usize,
    /// How long they took, one after another.
    pub(crate) wall: Duration,
    /// How long the inputs took.
    pub(crate) inputs: Duration,
}

impl Rehearsal {
    /// The time of one task.
    pub(crate) fn each(&self) -> Duration {
        self.wall.div_f64(self.tasks as f64)
    }
}

/// A running referee.
#[derive(Debug)]
pub(crate) struct Referee<'i> {
    runner: Runner<'i>,
}

impl<'i> Referee<'i> {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// When it cannot be started: nothing can be compared then.
    pub(crate) fn start(
        sequential: &Contestant,
        patience: Duration,
        interrupt: &'i Interrupt,
    ) -> Result<Self, Error> {
        let (_, runner) = introduce(&sequential.command, patience, interrupt).map_err(fatal)?;
        Ok(Referee { runner })
    }

    /// Iterations of the `compute` step in a microsecond on this machine.
    ///
    /// # Errors
    ///
    /// When it does not say.
    pub(crate) fn calibrate(&mut self, patience: Duration) -> Result<u64, Error> {
        match self
            .runner
            .ask(&Request::Calibrate, Asking::within(patience))
            .map_err(fatal)?
        {
            Reply::Calibrated { iterations_per_us } => Ok(iterations_per_us),
            other => Err(fatal(mismatch("calibrate", &other))),
        }
    }

    /// Does some tasks of a job, one after another.
    ///
    /// # Errors
    ///
    /// The fault, which is that of the job: its function failed, or does not end.
    pub(crate) fn rehearse(
        &mut self,
        sources: Sources,
        patience: Duration,
    ) -> Result<Rehearsal, Fault> {
        let asking = Asking::within(patience);
        match self.runner.ask(&Request::Rehearse(sources), asking)? {
            Reply::Rehearsed {
                tasks,
                wall_ns,
                inputs_ns,
                ..
            } => Ok(Rehearsal {
                tasks: tasks.max(1),
                wall: Duration::from_nanos(wall_ns),
                inputs: Duration::from_nanos(inputs_ns),
            }),
            other => Err(mismatch("rehearse", &other)),
        }
    }

    /// The right digest for these inputs.
    ///
    /// # Errors
    ///
    /// The fault, since it may well lie in the workload: a program that cannot be run, for example.
    pub(crate) fn reference(&mut self, sources: Sources) -> Result<Reference, Fault> {
        self.reference_within(sources, LONGEST_REFERENCE)
    }

    /// The same, with a limit on the time for it.
    ///
    /// # Errors
    ///
    /// As [`reference`](Self::reference).
    pub(crate) fn reference_within(
        &mut self,
        sources: Sources,
        limit: Duration,
    ) -> Result<Reference, Fault> {
        let asking = Asking::within(limit.min(LONGEST_REFERENCE));
        match self.runner.ask(&Request::Reference(sources), asking)? {
            Reply::Reference {
                digest,
                cpu_ns,
                waited_ns,
            } => Ok(Reference {
                digest,
                cpu: Duration::from_nanos(cpu_ns),
                waited: Duration::from_nanos(waited_ns),
            }),
            other => Err(mismatch("reference", &other)),
        }
    }

    /// Ends it.
    pub(crate) fn quit(self) {
        // Later output changes nothing.
        let _ = self.runner.quit();
    }
}

fn fatal(fault: Fault) -> Error {
    match fault {
        Fault::Interrupted => Error::Interrupted,
        fault => Error::Failed(format!(
            "the runner of `sequential`, which says what is right, {fault}"
        )),
    }
}
