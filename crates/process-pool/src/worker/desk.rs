//! What a worker holds, and how it reaches its parent.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;

use super::Config;
use super::identity::Identity;
use crate::Registered;
use crate::transport::mapping::Region;
use crate::transport::socket;

/// How long to wait before a message is sent again.
const PAUSE: Duration = Duration::from_millis(1);

/// What a worker holds.
pub(super) struct Desk {
    /// It lives as long as the process: a signal handler writes there.
    pub(super) region: &'static Region,
    socket: OwnedFd,
    event: OwnedFd,
    /// Of the two descriptors above, which a job may have closed.
    identities: [Identity; 2],
    pub(super) jobs: &'static [Registered],
    pub(super) config: Config,
    /// Messages that have been received before their turn, oldest first.
    early: VecDeque<io::Result<Vec<OwnedFd>>>,
}

impl Desk {
    pub(super) fn new(
        region: &'static Region,
        socket: OwnedFd,
        event: OwnedFd,
        jobs: &'static [Registered],
        config: Config,
    ) -> io::Result<Self> {
        let identities = [Identity::of(&socket)?, Identity::of(&event)?];
        Ok(Self {
            region,
            socket,
            event,
            identities,
            jobs,
            config,
            early: VecDeque::new(),
        })
    }

    /// The socket, unless a job has closed it.
    fn socket(&self) -> io::Result<&OwnedFd> {
        if self.identities[0].is_that_of(&self.socket) {
            Ok(&self.socket)
        } else {
            Err(Errno::BADF.into())
        }
    }

    /// Wakes the supervisor; `false` if a job has closed the descriptor for it.
    pub(super) fn ring(&self) -> bool {
        // What a job opened in its place is not written to.
        if !self.identities[1].is_that_of(&self.event) {
            return false;
        }
        // It cannot be full: the parent has it at one, or will have.
        let _ = rustix::io::write(&self.event, &1_u64.to_ne_bytes());
        true
    }

    /// Sends descriptors, for the parent to find once it sees the result. Waits while too many are in flight.
    pub(super) fn send(&mut self, descriptors: &[impl AsFd]) -> io::Result<()> {
        let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
        loop {
            match socket::send(self.socket()?, &[], &descriptors, true) {
                Err(error) if socket::is_congestion(&error) => self.relieve(),
                result => return result,
            }
        }
    }

    /// Does what this worker can so that fewer descriptors are in flight: it has the parent collect results, and
    /// receives what is on its way here. Otherwise workers that all wait to send could hold up one another.
    fn relieve(&mut self) {
        self.ring();
        loop {
            match socket::receive(&self.socket, false) {
                Ok((_, descriptors)) => self.early.push_back(Ok(descriptors)),
                Err(message) if message.error.kind() == io::ErrorKind::WouldBlock => break,
                Err(message) if message.error.kind() == io::ErrorKind::UnexpectedEof => break,
                // It belongs to the unit whose turn it is then, which cannot be run here. Errors other
                // than of a message that was taken would come again and again.
                Err(message) => {
                    let error = io::Error::from(message);
                    let is_taken = error.kind() == io::ErrorKind::InvalidData
                        || error.raw_os_error() == Some(Errno::MFILE.raw_os_error());
                    self.early.push_back(Err(error));
                    if !is_taken {
                        break;
                    }
                }
            }
        }
        thread::sleep(PAUSE);
    }

    /// The descriptors of the next message.
    pub(super) fn receive(&mut self) -> io::Result<Vec<OwnedFd>> {
        if let Some(early) = self.early.pop_front() {
            return early;
        }
        let (_, descriptors) = socket::receive(self.socket()?, true)?;
        Ok(descriptors)
    }

    /// Tells the parent why this worker does not start.
    pub(super) fn say_why(&self, why: &str) {
        // The parent learns it from the socket, and without that from the exit code.
        let _ = socket::send(&self.socket, why.as_bytes(), &[], true);
    }
}
