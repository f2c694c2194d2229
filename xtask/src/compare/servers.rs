//! The comparison's own servers: started on demand, and restarted between tables if they have
//! broken.
//!
//! If a contestant fails because a server has, the contestant is not to blame.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::load::{Door, LoadProgram};
use super::origin::Origin;
use super::programs::Programs;
use crate::error::Error;

/// The servers that run beside the contestants of a table.
#[derive(Debug)]
pub(super) struct Servers {
    origin_program: PathBuf,
    load_program: PathBuf,
    /// The folder in which the origin server writes logs.
    folder: PathBuf,
    origin: Option<Origin>,
    load: Option<LoadProgram>,
    /// The reason why the load can no longer be used.
    load_broke: Option<String>,
}

impl Servers {
    /// Servers that are not running yet.
    pub(super) fn new(programs: &Programs, folder: &Path) -> Servers {
        Servers {
            origin_program: programs.origin.clone(),
            load_program: programs.load.clone(),
            folder: folder.to_owned(),
            origin: None,
            load: None,
            load_broke: None,
        }
    }

    /// Starts the servers that a table needs if they are missing or broken.
    ///
    /// # Errors
    ///
    /// If a server does not start: nothing that needs it can be measured.
    pub(super) fn provide(&mut self, fetches: bool, serves: bool) -> Result<(), Error> {
        let failed = |program: &Path, error: io::Error| {
            Error::Failed(format!("{}: does not start: {error}", program.display()))
        };
        if fetches
            && self
                .origin
                .as_mut()
                .is_none_or(|own| own.trouble().is_some())
        {
            let program = &self.origin_program;
            // The broken server first: it may hold the memory or the descriptors.
            self.origin = None;
            let started = Origin::start(program, &self.folder);
            self.origin = Some(started.map_err(|error| failed(program, error))?);
        }
        if serves && (self.load.is_none() || self.load_trouble().is_some()) {
            let program = &self.load_program;
            self.load = None;
            let started = LoadProgram::start(program);
            self.load = Some(started.map_err(|error| failed(program, error))?);
            self.load_broke = None;
        }
        Ok(())
    }

    /// The address of the origin server, if it runs.
    pub(super) fn origin(&self) -> Option<SocketAddr> {
        self.origin.as_ref().map(Origin::address)
    }

    /// Runs `work` with the load.
    ///
    /// # Errors
    ///
    /// If the load is broken, with a message for the user.
    pub(super) fn with_load<T>(
        &mut self,
        work: impl FnOnce(&mut LoadProgram) -> io::Result<T>,
    ) -> Result<T, String> {
        let load = self
            .load
            .as_mut()
            .ok_or("the comparison's own load does not run")?;
        work(load).map_err(|error| {
            let how = load.ended();
            let how = how.map_or_else(
                || error.to_string(),
                |status| format!("ended with {status}"),
            );
            let why = format!("the comparison's own load broke: {how}");
            self.load_broke = Some(why.clone());
            why
        })
    }

    /// Closes an address. A failure is remembered and surfaces with the next command.
    pub(super) fn close(&mut self, door: Door) {
        let _ = self.with_load(|load| load.close(door));
    }

    /// Describes the trouble with the servers, if any.
    pub(super) fn trouble(&mut self) -> Option<String> {
        let origin = self.origin.as_mut().and_then(Origin::trouble);
        origin
            .map(|how| format!("the comparison's own origin server {how}"))
            .or_else(|| self.load_trouble())
    }

    fn load_trouble(&mut self) -> Option<String> {
        self.load_broke.clone().or_else(|| {
            let status = self.load.as_mut()?.ended()?;
            Some(format!("the comparison's own load ended with {status}"))
        })
    }
}
