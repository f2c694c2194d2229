//! The comparison's own servers: started on demand, and restarted between tables if they have
//! broken.
//!
//! If a contestant fails because a server has, the contestant is not to blame.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::origin::Origin;
use super::programs::Programs;
use super::requests::{OrderAddress, Requests};

/// The comparison of a job has no servers.
const NOT_BUILT: &str = "this comparison has no server for it";

/// The servers that run beside the contestants of a table.
#[derive(Debug)]
pub(super) struct Servers {
    origin_program: Option<PathBuf>,
    requests_program: Option<PathBuf>,
    /// The folder in which the origin server writes logs.
    folder: PathBuf,
    origin: Option<Origin>,
    requests: Option<Requests>,
    /// The reason why `requests` can no longer be used.
    requests_broke: Option<String>,
}

impl Servers {
    /// Servers that are not running yet.
    pub(super) fn new(programs: &Programs, folder: &Path) -> Servers {
        Servers {
            origin_program: programs.origin.clone(),
            requests_program: programs.requests.clone(),
            folder: folder.to_owned(),
            origin: None,
            requests: None,
            requests_broke: None,
        }
    }

    /// Starts the servers that a table needs if they are missing or broken.
    ///
    /// # Errors
    ///
    /// A message for the user if a server does not start: the table cannot be measured, but those
    /// that do not need the server can.
    pub(super) fn provide(&mut self, fetches: bool, serves: bool) -> Result<(), String> {
        let failed = |program: &Path, error: io::Error| {
            format!("{}: does not start: {error}", program.display())
        };
        if fetches
            && self
                .origin
                .as_mut()
                .is_none_or(|own| own.trouble().is_some())
        {
            let program = self.origin_program.as_deref().ok_or(NOT_BUILT)?;
            // The broken server first: it may hold the memory or the descriptors.
            self.origin = None;
            let started = Origin::start(program, &self.folder);
            self.origin = Some(started.map_err(|error| failed(program, error))?);
        }
        if serves && (self.requests.is_none() || self.requests_trouble().is_some()) {
            let program = self.requests_program.as_deref().ok_or(NOT_BUILT)?;
            self.requests = None;
            let started = Requests::start(program);
            self.requests = Some(started.map_err(|error| failed(program, error))?);
            self.requests_broke = None;
        }
        Ok(())
    }

    /// The address of the origin server, if it runs.
    pub(super) fn origin(&self) -> Option<SocketAddr> {
        self.origin.as_ref().map(Origin::address)
    }

    /// Runs `work` with the program `requests`.
    ///
    /// # Errors
    ///
    /// If the program is broken, with a message for the user. It then gets no more commands: each
    /// could take until its time limit, or be answered by a late reply to an earlier one.
    pub(super) fn with_requests<T>(
        &mut self,
        work: impl FnOnce(&mut Requests) -> io::Result<T>,
    ) -> Result<T, String> {
        if let Some(why) = &self.requests_broke {
            return Err(why.clone());
        }
        let requests = self
            .requests
            .as_mut()
            .ok_or("the comparison's own program `requests` does not run")?;
        match work(requests) {
            Ok(done) => Ok(done),
            Err(error) => {
                let how = requests.ended();
                let how = how.map_or_else(
                    || error.to_string(),
                    |status| format!("ended with {status}"),
                );
                let why = format!("the comparison's own program `requests` broke: {how}");
                self.requests_broke = Some(why.clone());
                self.requests = None;
                Err(why)
            }
        }
    }

    /// Closes an address. A failure is remembered and surfaces with the next command.
    pub(super) fn close(&mut self, orders_to: OrderAddress) {
        let _ = self.with_requests(|requests| requests.close(orders_to));
    }

    /// Describes the trouble with the servers that a table uses, if any. A server that broke in an
    /// earlier table excuses nothing in a table without it.
    pub(super) fn trouble(&mut self, fetches: bool, serves: bool) -> Option<String> {
        let origin = self.origin.as_mut().filter(|_| fetches);
        origin
            .and_then(Origin::trouble)
            .map(|how| format!("the comparison's own origin server {how}"))
            .or_else(|| serves.then(|| self.requests_trouble()).flatten())
    }

    fn requests_trouble(&mut self) -> Option<String> {
        self.requests_broke.clone().or_else(|| {
            let status = self.requests.as_mut()?.ended()?;
            Some(format!(
                "the comparison's own program `requests` ended with {status}"
            ))
        })
    }
}
