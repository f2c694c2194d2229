//! The folder that a comparison works in: inputs and the files that tasks read.

use std::fs;
use std::io::{self, BufWriter, IntoInnerError, Write};
use std::path::{Path, PathBuf};

use workload::inputs::{self, Inputs};
use workload::value::{bytes, task_seed};

use super::beside;
use super::interrupt::Interrupt;
use super::lock::Lock;
use super::sealed::{Seal, clear, fresh};
use crate::error::Error;
use crate::files::{Replacement, check_replaceable};

/// Its name in the output folder. Whatever bears it is removed, and so it must be nobody else's.
const NAME: &str = ".cargo-xtask-compare";

/// Removed when dropped.
#[derive(Debug)]
pub(crate) struct Workshop<'i> {
    folder: PathBuf,
    interrupt: &'i Interrupt,
    /// The copy of all inputs that the user asked for: where it will be, and where it is until
    /// then.
    kept: Option<(PathBuf, BufWriter<Replacement>)>,
    /// The lock on the output folder, released after the work folder is removed.
    _lock: Option<Lock>,
}

/// The files of a table.
#[derive(Debug)]
pub(crate) struct Written {
    /// The inputs.
    pub(crate) inputs: PathBuf,
    /// The folder of the files that the tasks read, if they read any.
    pub(super) files: Option<PathBuf>,
    /// The seal of all of them.
    pub(super) seal: Seal,
}

impl<'i> Workshop<'i> {
    /// Makes the folder inside the output folder, which must be writable; likewise the file for the
    /// inputs.
    ///
    /// # Errors
    ///
    /// A usage error that names the path.
    pub(crate) fn open(
        output: &Path,
        keep: Option<&Path>,
        interrupt: &'i Interrupt,
    ) -> Result<Self, Error> {
        let unusable = |why: &str| {
            Error::Usage(format!(
                "{}: {why}; name a folder that can be with `--output DIR`",
                output.display()
            ))
        };
        // Paths are told to other processes.
        let folder = std::path::absolute(output)
            .unwrap_or_else(|_| output.to_owned())
            .join(NAME);
        if folder.to_str().is_none() {
            return Err(unusable(
                "cannot be passed to the runners, since it is not UTF-8",
            ));
        }
        for name in ["results.json"].into_iter().chain(beside::NAMES) {
            check_replaceable(&output.join(name)).map_err(|error| match error.kind() {
                io::ErrorKind::IsADirectory => {
                    unusable(&format!("cannot be written: its {name} is a folder"))
                }
                _ => unusable(&format!("its {name} cannot be written: {error}")),
            })?;
        }
        let unwritable = |error: io::Error| unusable(&format!("cannot be written: {error}"));
        fs::create_dir_all(output).map_err(unwritable)?;
        let lock = Lock::of_folder(output)?;
        // Left by a killed comparison: the lock shows that no other one uses it.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(unwritable)?;
        // Removes the folder if the rest does not work out.
        let mut workshop = Workshop {
            folder,
            interrupt,
            kept: None,
            _lock: lock,
        };
        workshop.kept = keep.map(beside).transpose()?;
        Ok(workshop)
    }

    /// The folder itself, by an absolute path.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts the copy of the inputs where the user wants it.
    ///
    /// # Errors
    ///
    /// When it cannot be renamed.
    pub(super) fn hand_over_inputs(&mut self) -> Result<(), Error> {
        let Some((path, writer)) = self.kept.take() else {
            return Ok(());
        };
        let file = writer.into_inner().map_err(IntoInnerError::into_error);
        file.and_then(Replacement::finish)
            .map_err(|error| unwritten(self.interrupt, &path, &error))
    }

    /// Writes the inputs of a table where all runners read them, and the files that the tasks
    /// read. Whatever has one of their names is replaced.
    ///
    /// # Errors
    ///
    /// If the disk is full or the like.
    pub(crate) fn write_table(&self, inputs: &Inputs) -> Result<Written, Error> {
        let name = format!("{}-{}.jsonl", inputs.header.workload, inputs.header.tasks);
        let path = self.write_as(&name, inputs)?;
        let (files, mut written) = self.write_files(inputs)?;
        written.push(path.clone());
        let seal = Seal::of(written).map_err(|error| unwritten(self.interrupt, &path, &error))?;
        Ok(Written {
            inputs: path,
            files,
            seal,
        })
    }

    /// Adds the inputs of a table to the copy that the user asked for.
    ///
    /// # Errors
    ///
    /// If the disk is full or the like.
    pub(super) fn keep_inputs(&mut self, inputs: &Inputs) -> Result<(), Error> {
        let Some((kept, writer)) = &mut self.kept else {
            return Ok(());
        };
        inputs::write(inputs, Guarded::new(writer, self.interrupt))
            .map_err(|error| unwritten(self.interrupt, kept, &error))
    }

    /// Writes a part of a table's inputs, which is not kept.
    ///
    /// # Errors
    ///
    /// If the disk is full or the like.
    pub(super) fn write_pilot(&self, inputs: &Inputs) -> Result<PathBuf, Error> {
        let name = format!("pilot-{}.jsonl", inputs.header.tasks);
        self.write_as(&name, inputs)
    }

    fn write_as(&self, name: &str, inputs: &Inputs) -> Result<PathBuf, Error> {
        let path = self.folder.join(name);
        // The folder may have been deleted in the meantime.
        fs::create_dir_all(&self.folder)
            .and_then(|()| fresh(&path))
            .and_then(|file| {
                inputs::write(inputs, BufWriter::new(Guarded::new(file, self.interrupt)))
            })
            .map_err(|error| unwritten(self.interrupt, &path, &error))?;
        Ok(path)
    }

    /// Makes the files that the tasks read, in a folder: `None` where they read none.
    fn write_files(&self, inputs: &Inputs) -> Result<(Option<PathBuf>, Vec<PathBuf>), Error> {
        let sizes = inputs::file_sizes(inputs);
        if sizes.is_empty() {
            return Ok((None, Vec::new()));
        }
        let folder = self
            .folder
            .join(format!("{}-files", inputs.header.workload));
        let make = || -> io::Result<Vec<PathBuf>> {
            // A link to some other folder could have this name.
            clear(&folder)?;
            fs::create_dir(&folder)?;
            let mut written = Vec::new();
            for (file, size) in &sizes {
                let number = file.parse().unwrap_or(0);
                let length = usize::try_from(*size).map_err(|_| io::ErrorKind::FileTooLarge)?;
                let path = folder.join(file);
                Guarded::new(fresh(&path)?, self.interrupt)
                    .write_all(&bytes(task_seed(inputs.header.seed, number), length))?;
                written.push(path);
            }
            Ok(written)
        };
        let written = make().map_err(|error| unwritten(self.interrupt, &folder, &error))?;
        Ok((Some(folder), written))
    }
}

fn unwritten(interrupt: &Interrupt, path: &Path, error: &io::Error) -> Error {
    if interrupt.happened() {
        return Error::Interrupted;
    }
    Error::Failed(format!("{}: cannot be written: {error}", path.display()))
}

/// Writes until the user wants to end: millions of tasks take a while.
struct Guarded<'i, W> {
    writer: W,
    interrupt: &'i Interrupt,
}

impl<'i, W: Write> Guarded<'i, W> {
    fn new(writer: W, interrupt: &'i Interrupt) -> Self {
        Guarded { writer, interrupt }
    }
}

impl<W: Write> Write for Guarded<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.interrupt.happened() {
            return Err(io::Error::other("interrupted"));
        }
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Drop for Workshop<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A file that will have this name once it is whole.
fn beside(path: &Path) -> Result<(PathBuf, BufWriter<Replacement>), Error> {
    let file = Replacement::begin(path).map_err(|error| {
        Error::Usage(format!(
            "{}: cannot be written: {error}; name a file that can be with `--inputs FILE`",
            path.display()
        ))
    })?;
    Ok((path.to_owned(), BufWriter::new(file)))
}
