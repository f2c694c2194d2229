//! The recorder: on with a file, or off.

use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::clocks::CAN_RECORD;
use crate::future::{Polls, record};
use crate::shared::{Shared, Summary};
use crate::span::Span;

/// Records tasks into a file, or does nothing. Clones record into the same file.
///
/// The recording ends with [`finish`](Recorder::finish), or when the last clone is dropped.
#[derive(Debug, Clone, Default)]
pub struct Recorder {
    shared: Option<Arc<Shared>>,
}

impl Recorder {
    /// A recorder that records nothing.
    pub const fn off() -> Recorder {
        Recorder { shared: None }
    }

    /// Records into this file, which is created, or emptied if it exists.
    ///
    /// # Errors
    ///
    /// When the file cannot be created or written; [`io::ErrorKind::Unsupported`] on systems other
    /// than Linux.
    pub fn to_file(path: impl AsRef<Path>) -> io::Result<Recorder> {
        let path = path.as_ref();
        let shared = if CAN_RECORD {
            Shared::create(path)
        } else {
            Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "tasks are recorded on Linux only",
            ))
        };
        let shared = shared.map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("{}: cannot record here: {error}", path.display()),
            )
        })?;
        Ok(Recorder {
            shared: Some(Arc::new(shared)),
        })
    }

    /// Records into the file that the environment variable `name` names; off where it is unset or
    /// empty.
    ///
    /// # Errors
    ///
    /// As [`to_file`](Recorder::to_file).
    pub fn from_env(name: &str) -> io::Result<Recorder> {
        match std::env::var_os(name) {
            Some(path) if !path.is_empty() => Recorder::to_file(path),
            _ => Ok(Recorder::off()),
        }
    }

    /// Whether tasks are recorded: not if it is off, has finished, or its file takes no more.
    pub fn is_on(&self) -> bool {
        self.recording().is_some()
    }

    /// Runs the closure and records it as a task, even if it panics.
    ///
    /// Inside another task of this recorder it is a part of that task and not recorded by itself.
    pub fn task<T>(&self, task: impl FnOnce() -> T) -> T {
        match self.recording() {
            None => task(),
            Some(shared) => {
                let span = Span::begin(shared);
                let value = task();
                span.done();
                value
            }
        }
    }

    /// A future that does what this one does and is recorded as a task, even if it panics or is
    /// dropped before it is ready.
    ///
    /// If its first poll is inside another task of this recorder, it is a part of that task.
    pub fn future<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let polls = self
            .recording()
            .map(|shared| Polls::new(Arc::clone(shared)));
        async move {
            match polls {
                None => future.await,
                Some(polls) => record(polls, future).await,
            }
        }
    }

    /// Ends the recording and writes what is left. Later tasks run unrecorded; a second call
    /// returns the same numbers.
    ///
    /// # Errors
    ///
    /// The first error that a write met, once.
    pub fn finish(&self) -> io::Result<Summary> {
        self.shared
            .as_ref()
            .map_or_else(|| Ok(Summary::default()), |shared| shared.finish())
    }

    fn recording(&self) -> Option<&Arc<Shared>> {
        self.shared
            .as_ref()
            .filter(|shared| shared.sink().is_open())
    }
}
