//! The files of a table while it is measured, and how to make them again.

use workload::definition::Definition;
use workload::inputs;

use super::interrupt::Interrupt;
use super::schedule::Stop;
use super::sealed::Seal;
use super::warnings::Warning;
use super::workshop::Workshop;
use crate::error::Error;

/// The inputs of a table and the files that its tasks read.
#[derive(Debug)]
pub(super) struct TableFiles<'a> {
    workshop: &'a Workshop<'a>,
    definition: &'a Definition,
    iterations_per_us: u64,
    seal: Seal,
    restored: u32,
}

impl<'a> TableFiles<'a> {
    /// The files under this seal, which were made from this definition.
    pub(super) fn new(
        workshop: &'a Workshop<'a>,
        definition: &'a Definition,
        iterations_per_us: u64,
        seal: Seal,
    ) -> TableFiles<'a> {
        TableFiles {
            workshop,
            definition,
            iterations_per_us,
            seal,
            restored: 0,
        }
    }

    /// Whether a file was changed or removed.
    pub(super) fn changed(&self) -> bool {
        self.seal.broken().is_some()
    }

    /// Makes all files again if one was changed or removed. Returns the first such file.
    ///
    /// # Errors
    ///
    /// [`Stop::Interrupted`], and [`Stop::Own`] if the files cannot be written.
    pub(super) fn restore(&mut self, interrupt: &Interrupt) -> Result<Option<String>, Stop> {
        let Some(broken) = self.seal.broken() else {
            return Ok(None);
        };
        let broken = broken.display().to_string();
        // They are not kept in memory, which the contestants may need.
        let (definition, iterations_per_us) = (self.definition.clone(), self.iterations_per_us);
        let inputs = interrupt
            .during(move || inputs::make(&definition, iterations_per_us))
            .ok_or(Stop::Interrupted)?;
        let written = self.workshop.write_table(&inputs);
        self.seal = written
            .map_err(|error| match error {
                Error::Interrupted => Stop::Interrupted,
                other => Stop::Own(other.to_string()),
            })?
            .seal;
        self.restored += 1;
        Ok(Some(broken))
    }

    /// A warning if files had to be made again.
    pub(super) fn warning(&self) -> Option<Warning> {
        (self.restored > 0).then(|| Warning::FilesChanged {
            workload: self.definition.name.clone(),
            times: self.restored,
        })
    }
}
