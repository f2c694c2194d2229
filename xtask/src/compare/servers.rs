//! The comparison's own servers: started when they are needed, restarted between tables when they have broken.
//!
//! Where a contestant fails because one of them has, the contestant is not to blame.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::load::{Door, LoadProgram};
use super::origin::Origin;
use super::programs::Programs;
use crate::error::Error;

/// What runs beside the contestants of a table.
#[derive(Debug)]
pub(super) struct Servers {
    origin_program: PathBuf,
    load_program: PathBuf,
    /// Where the origin server writes logs.
    folder: PathBuf,
    origin: Option<Origin>,
    load: Option<LoadProgram>,
    /// Why the load is of no use any more.
    load_broke: Option<String>,
}

impl Servers {
    /// None of them runs yet.
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

    /// Starts what a table needs and is not there, or is broken.
    ///
    /// # Errors
    ///
    /// When one does not start: nothing that needs it can be measured.
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
            // The broken one first: it may hold the memory or the descriptors.
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

    /// The address of the origin server, where it runs.
    pub(super) fn origin(&self) -> Option<SocketAddr> {
        self.origin.as_ref().map(Origin::address)
    }

    /// Does something with the load.
    ///
    /// # Errors
    ///
    /// When it is broken, in words for the user.
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

    /// Takes an address back. That it cannot is found out by whoever asks next.
    pub(super) fn close(&mut self, door: Door) {
        let _ = self.with_load(|load| load.close(door));
    }

    /// What is wrong with them, if anything.
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
