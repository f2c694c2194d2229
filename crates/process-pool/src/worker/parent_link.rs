//! A worker's link to its parent: the shared memory, the socket and the event counter.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;

use super::file_id::FileId;
use crate::program::Registered;
use crate::transport::mapping::Region;
use crate::transport::socket;
use crate::worker_config::WorkerConfig;

/// The pause before a message is sent again.
const PAUSE: Duration = Duration::from_millis(1);

/// A worker's link to its parent.
pub(super) struct ParentLink {
    /// Never unmapped: a signal handler writes to it.
    pub(super) region: &'static Region,
    socket: OwnedFd,
    event: OwnedFd,
    /// The files behind the two descriptors above, which a job may have closed.
    file_ids: [FileId; 2],
    pub(super) jobs: &'static [Registered],
    pub(super) config: WorkerConfig,
    /// Messages received ahead of their turn, oldest first.
    early: VecDeque<io::Result<Vec<OwnedFd>>>,
}

impl ParentLink {
    pub(super) fn new(
        region: &'static Region,
        socket: OwnedFd,
        event: OwnedFd,
        jobs: &'static [Registered],
        config: WorkerConfig,
    ) -> io::Result<Self> {
        let file_ids = [FileId::of(&socket)?, FileId::of(&event)?];
        Ok(Self {
            region,
            socket,
            event,
            file_ids,
            jobs,
            config,
            early: VecDeque::new(),
        })
    }

    /// The socket, unless a job has closed it.
    fn socket(&self) -> io::Result<&OwnedFd> {
        if self.file_ids[0].matches(&self.socket) {
            Ok(&self.socket)
        } else {
            Err(Errno::BADF.into())
        }
    }

    /// Wakes the supervisor. Returns `false` if a job has closed the event counter.
    pub(super) fn ring(&self) -> bool {
        // A file that a job opened under its number is not written to.
        if !self.file_ids[1].matches(&self.event) {
            return false;
        }
        // The counter cannot be full: the parent resets it.
        let _ = rustix::io::write(&self.event, &1_u64.to_ne_bytes());
        true
    }

    /// Sends descriptors ahead of the result that announces them. Waits while too many are in
    /// flight.
    pub(super) fn send(&mut self, descriptors: &[impl AsFd]) -> io::Result<()> {
        let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
        loop {
            match socket::send(self.socket()?, &[], &descriptors, true) {
                Err(error) if socket::is_congestion(&error) => self.reduce_congestion(),
                result => return result,
            }
        }
    }

    /// Reduces the number of descriptors in flight: has the parent collect results, and receives
    /// the messages on their way here. Without this, workers that all wait to send could block each
    /// other.
    fn reduce_congestion(&mut self) {
        self.ring();
        loop {
            match socket::receive(&self.socket, false) {
                Ok((_, descriptors)) => self.early.push_back(Ok(descriptors)),
                Err(message) if message.error.kind() == io::ErrorKind::WouldBlock => break,
                Err(message) if message.error.kind() == io::ErrorKind::UnexpectedEof => break,
                // The error belongs to the batch that expects this message, which cannot run here
                // then. Errors other than of a message that was taken would repeat.
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
    pub(super) fn send_failure(&self, why: &str) {
        // Without the message the parent still learns the exit code.
        let _ = socket::send(&self.socket, why.as_bytes(), &[], true);
    }
}
