//! A readiness loop: many sessions on few threads.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::event::{EventfdFlags, Timespec, epoll, eventfd};
use rustix::fd::OwnedFd;
use rustix::io::Errno;

use super::service::Service;
use super::session::Session;
use crate::task::failure::Failure;

/// The number of no connection.
const ALL_CLOSED: u64 = u64::MAX;

/// How long to wait for a client to read an answer before its connection is given up.
const PATIENCE: Timespec = Timespec {
    tv_sec: 10,
    tv_nsec: 0,
};

/// The sessions of a server, and which of them are ready. Only one thread has a session at a time
/// (epoll's one shot), so the requests of a client are answered in order.
#[derive(Debug)]
pub struct Readiness {
    service: Arc<Service>,
    epoll: OwnedFd,
    closed: OwnedFd,
    connections: Vec<Mutex<Connection>>,
    open: AtomicUsize,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    session: Session,
}

impl Readiness {
    /// Accepts all sessions.
    ///
    /// # Errors
    /// If the system refuses a connection or a descriptor.
    pub fn accept(service: Arc<Service>, listener: &TcpListener) -> Result<Readiness, Failure> {
        let ready = Self::try_accept(service, listener);
        ready.map_err(|error| Failure::new(format_args!("cannot accept the sessions: {error}")))
    }

    fn try_accept(service: Arc<Service>, listener: &TcpListener) -> io::Result<Readiness> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let closed = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let told = epoll::EventData::new_u64(ALL_CLOSED);
        epoll::add(&epoll, &closed, told, epoll::EventFlags::IN)?;
        let mut connections = Vec::with_capacity(service.sessions());
        for number in 0..service.sessions() {
            let (stream, _) = listener.accept()?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let data = epoll::EventData::new_u64(number as u64);
            epoll::add(&epoll, &stream, data, interest())?;
            let session = service.session();
            connections.push(Mutex::new(Connection { stream, session }));
        }
        Ok(Readiness {
            open: AtomicUsize::new(connections.len()),
            service,
            epoll,
            closed,
            connections,
        })
    }

    /// Waits for a readable session; `None` once all are closed. Call [`serve`](Self::serve) for
    /// it, on any thread.
    pub fn next(&self) -> Option<usize> {
        loop {
            if self.open.load(Ordering::Acquire) == 0 {
                return None;
            }
            let mut events = [epoll::Event {
                flags: epoll::EventFlags::empty(),
                data: epoll::EventData::new_u64(0),
            }];
            match epoll::wait(&self.epoll, &mut events, None) {
                // It stays readable, so that all waiting threads wake.
                Ok(1..) if events[0].data.u64() == ALL_CLOSED => return None,
                Ok(1..) => return usize::try_from(events[0].data.u64()).ok(),
                Ok(0) | Err(Errno::INTR) => {}
                Err(_) => return None,
            }
        }
    }

    /// Answers all requests that the session has so far, on the calling thread.
    pub fn serve(&self, session: usize) {
        let mut connection = self.connections[session]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let connection = &mut *connection;
        let goes_on = connection.turn(&self.service).unwrap_or(false);
        let data = epoll::EventData::new_u64(session as u64);
        if goes_on && epoll::modify(&self.epoll, &connection.stream, data, interest()).is_ok() {
            return;
        }
        let _ = epoll::delete(&self.epoll, &connection.stream);
        let _ = connection.stream.shutdown(std::net::Shutdown::Both);
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            let _ = rustix::io::write(&self.closed, &1_u64.to_ne_bytes());
        }
    }
}

fn interest() -> epoll::EventFlags {
    epoll::EventFlags::IN | epoll::EventFlags::ONESHOT
}

impl Connection {
    /// Reads and answers once. Returns whether the connection continues.
    fn turn(&mut self, service: &Service) -> io::Result<bool> {
        let mut input = [0; 1024];
        match self.stream.read(&mut input) {
            Ok(0) => return Ok(false),
            Ok(length) => {
                self.session.receive(&input[..length]);
                service.answer(&mut self.session);
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
        let output = self.session.take_output();
        self.write_all(&output)?;
        Ok(self.session.is_open())
    }

    /// Writes everything. Answers are short and fit the socket's buffer; a client that does not
    /// read is waited for, up to [`PATIENCE`].
    fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(length) => bytes = &bytes[length..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait_for_room()?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn wait_for_room(&self) -> io::Result<()> {
        use rustix::event::{PollFd, PollFlags, poll};
        let mut fds = [PollFd::new(&self.stream, PollFlags::OUT)];
        match poll(&mut fds, Some(&PATIENCE)) {
            Ok(0) => Err(ErrorKind::TimedOut.into()),
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
