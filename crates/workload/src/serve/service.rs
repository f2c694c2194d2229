//! The part of a server that all its sessions share.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::session::Session;
use crate::batch::{Batch, catch_panic};
use crate::definition::types::{Pattern, Talk};
use crate::recorder::Token;
use crate::task::asynchronous::{AsyncIo, Offload};
use crate::task::failure::Failure;
use crate::trace::Trace;

/// How long a blocking conversation waits for a client to read an answer before it gives up the
/// connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// The part of a server that all its sessions share.
#[derive(Debug)]
pub struct Service {
    batch: Arc<Batch>,
    talk: Talk,
    sessions: usize,
    /// The task whose steps come before the next guess, since the lines of a round name none.
    next: AtomicUsize,
    /// The trace that has a span for each request. It is not that of the batch, which knows one
    /// span of each task: several requests may be about the same task at once.
    trace: Option<Arc<Trace>>,
}

impl Service {
    /// The service that a batch of the pattern `serve` describes.
    ///
    /// # Errors
    /// If the pattern is another one, or there are no tasks.
    pub fn new(batch: Arc<Batch>) -> Result<Service, Failure> {
        let Pattern::Serve { sessions, talk, .. } = batch.inputs().header.pattern else {
            return Err(Failure::new("only the pattern `serve` has a server"));
        };
        if batch.is_empty() {
            return Err(Failure::new("there is nothing to ask for without tasks"));
        }
        Ok(Service {
            batch,
            talk,
            sessions,
            next: AtomicUsize::new(0),
            trace: None,
        })
    }

    /// The same, with a span for each request in this trace. Only for the untimed sample.
    #[must_use]
    pub fn traced(self, trace: Arc<Trace>) -> Service {
        Service {
            trace: Some(trace),
            ..self
        }
    }

    /// The tasks.
    pub fn batch(&self) -> &Arc<Batch> {
        &self.batch
    }

    /// The number of connections, all of which are opened before the first request.
    pub fn sessions(&self) -> usize {
        self.sessions
    }

    /// A new session.
    pub fn session(&self) -> Session {
        Session::new(self.talk, self.batch.len())
    }

    /// The task of a request; guesses, which name none, get one task after the other.
    pub fn task(&self, asked: Option<usize>) -> usize {
        asked.unwrap_or_else(|| self.next.fetch_add(1, Ordering::Relaxed) % self.batch.len())
    }

    /// Serves one connection on the calling thread until the client closes it.
    ///
    /// # Errors
    /// If the connection fails. Failures of tasks are answers.
    pub fn converse(&self, mut stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut session = self.session();
        let mut input = [0; 1024];
        while session.is_open() {
            match stream.read(&mut input) {
                Ok(0) => return Ok(()),
                Ok(length) => {
                    session.receive(&input[..length]);
                    self.answer(&mut session);
                    stream.write_all(&session.take_output())?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Answers all requests that a session has so far, on the calling thread.
    pub fn answer(&self, session: &mut Session) {
        while let Some(asked) = session.next_request() {
            let span = self.starts();
            let output = catch_panic(&self.batch, self.task(asked));
            self.ends(span);
            session.answer(&output);
        }
    }

    /// [`answer`](Self::answer) as a future.
    pub async fn answer_async(&self, session: &mut Session, io: &impl AsyncIo) {
        while let Some(asked) = session.next_request() {
            let span = self.starts();
            let output = self.batch.run_async(self.task(asked), io).await;
            self.ends(span);
            session.answer(&output);
        }
    }

    /// [`answer_async`](Self::answer_async) with computation offloaded.
    pub async fn answer_offloading(
        &self,
        session: &mut Session,
        io: &impl AsyncIo,
        offload: &impl Offload,
    ) {
        while let Some(asked) = session.next_request() {
            let span = self.starts();
            let task = self.task(asked);
            let output = self.batch.run_offloading(task, io, offload).await;
            self.ends(span);
            session.answer(&output);
        }
    }

    fn starts(&self) -> Option<Token> {
        self.trace.as_ref().map(|trace| trace.open(None))
    }

    fn ends(&self, span: Option<Token>) {
        if let (Some(trace), Some(span)) = (&self.trace, span) {
            trace.close(span);
        }
    }
}
