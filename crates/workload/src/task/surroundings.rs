//! The surroundings of a task: the files and servers that its steps need.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::failure::Failure;
use crate::job::Loaded;

/// The files and servers that the steps of a task need. Serialisable, for tasks in other processes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surroundings {
    /// The folder of the files to read.
    pub files: PathBuf,
    /// The origin server.
    pub origin: Option<SocketAddr>,
    /// The folder in which the origin server writes logs: that of the inputs. A log anywhere else
    /// is refused.
    #[serde(default)]
    pub logs: PathBuf,
    /// The inputs of a job. They stay in this process: another one makes its own.
    #[serde(skip)]
    pub job: Loaded,
}

pub(super) fn file_path(surroundings: &Surroundings, file: &str) -> PathBuf {
    surroundings.files.join(Path::new(file))
}

pub(super) fn no_origin() -> Failure {
    Failure::new(
        "the task needs the origin server, but none was named when the workload was loaded",
    )
}
