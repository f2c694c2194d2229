//! The folder that a comparison works in: inputs and the files that tasks read.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use workload::inputs::{self, Inputs};
use workload::value::{bytes, task_seed};

use crate::error::Error;

/// Removed when dropped.
#[derive(Debug)]
pub(super) struct Workshop {
    folder: PathBuf,
    /// The copy of all inputs that the user asked for.
    kept: Option<(PathBuf, BufWriter<File>)>,
}

impl Workshop {
    /// Makes the folder inside the output folder, which must be writable; likewise the file for the inputs.
    ///
    /// # Errors
    ///
    /// A usage error that names the path.
    pub(super) fn open(output: &Path, keep: Option<&Path>) -> Result<Workshop, Error> {
        // Paths are told to other processes.
        let folder = std::path::absolute(output)
            .unwrap_or_else(|_| output.to_owned())
            .join("work");
        // What a killed comparison left; only one runs at a time.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|error| {
            Error::Usage(format!(
                "{}: cannot be written: {error}; name a folder that can with `--output DIR`",
                output.display()
            ))
        })?;
        let kept = keep.map(|path| match File::create(path) {
            Ok(file) => Ok((path.to_owned(), BufWriter::new(file))),
            Err(error) => Err(Error::Usage(format!(
                "{}: cannot be written: {error}; name a file that can with `--inputs FILE`",
                path.display()
            ))),
        });
        let mut workshop = Workshop { folder, kept: None };
        workshop.kept = kept.transpose()?;
        Ok(workshop)
    }

    /// Writes the inputs of a table where all runners read them.
    ///
    /// # Errors
    ///
    /// When the disk is full or the like.
    pub(super) fn write_inputs(&mut self, inputs: &Inputs) -> Result<PathBuf, Error> {
        let name = format!("{}-{}.jsonl", inputs.header.workload, inputs.header.tasks);
        let path = self.folder.join(name);
        let file = File::create(&path).map_err(|error| unwritten(&path, &error))?;
        inputs::write(inputs, BufWriter::new(file)).map_err(|error| unwritten(&path, &error))?;
        if let Some((kept, writer)) = &mut self.kept {
            inputs::write(inputs, &mut *writer)
                .and_then(|()| writer.flush())
                .map_err(|error| unwritten(kept, &error))?;
        }
        Ok(path)
    }

    /// Makes the files that the tasks read; `None` where they read none.
    ///
    /// # Errors
    ///
    /// When the disk is full or the like.
    pub(super) fn write_files(&self, inputs: &Inputs) -> Result<Option<PathBuf>, Error> {
        let sizes = inputs::file_sizes(inputs);
        if sizes.is_empty() {
            return Ok(None);
        }
        let folder = self
            .folder
            .join(format!("{}-files", inputs.header.workload));
        let make = || -> io::Result<()> {
            fs::create_dir_all(&folder)?;
            for (file, size) in &sizes {
                let number = file.parse().unwrap_or(0);
                let length = usize::try_from(*size).map_err(|_| io::ErrorKind::FileTooLarge)?;
                fs::write(
                    folder.join(file),
                    bytes(task_seed(inputs.header.seed, number), length),
                )?;
            }
            Ok(())
        };
        make().map_err(|error| unwritten(&folder, &error))?;
        Ok(Some(folder))
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn unwritten(path: &Path, error: &io::Error) -> Error {
    Error::Failed(format!("{}: cannot be written: {error}", path.display()))
}
