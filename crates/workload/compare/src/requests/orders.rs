//! The orders of one sample: at most one, from the contestant that is being sampled.
//!
//! The contestant is not trusted: it may connect without end, or connect and stay silent. Neither
//! may delay the end of the sample, or keep a processor busy while it lasts.

use std::io::{self, ErrorKind};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use workload::serve::{Order, Report};

use crate::owner::Owners;
use crate::run::run;
use crate::{PATIENCE, read_order, report_to};

/// How many connections are answered in one sample. A runner needs one.
const MOST_CONNECTIONS: usize = 64;

/// The pause after an error that may last, such as too few file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// The state of a sample, shared by the thread that takes its orders and the one that ends it.
#[derive(Default)]
pub(crate) struct Sample {
    over: AtomicBool,
    report: Mutex<Option<Report>>,
    /// The connection that an order is being read from.
    reading: Mutex<Option<Arc<TcpStream>>>,
}

impl Sample {
    /// Ends the sample: no further order is read, and requests in flight end early.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
        if let Some(stream) = &*lock(&self.reading) {
            // The client may have closed the connection already.
            let _ = stream.shutdown(Shutdown::Read);
        }
    }

    /// The report on its requests; `None` if none were ordered.
    pub(crate) fn report(&self) -> Option<Report> {
        lock(&self.report).clone()
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }
}

/// Takes the orders of one sample.
pub(crate) struct Orders {
    /// Does not block.
    pub(crate) listener: TcpListener,
    pub(crate) inputs: PathBuf,
    pub(crate) owners: Owners,
    pub(crate) sample: Arc<Sample>,
}

impl Orders {
    /// Answers until the sample is over, which also closes the other end of `woken`, or until the
    /// limits on connections and on the time for orders are reached.
    pub(crate) fn take(&self, woken: &UnixStream) {
        let mut connections = 0;
        // For all connections together.
        let mut patience = PATIENCE;
        while !self.sample.is_over() {
            match self.listener.accept() {
                Ok((stream, peer)) => {
                    connections += 1;
                    // A contestant that has gone away needs no answer.
                    let _ = self.answer(stream, peer, &mut patience);
                    if connections == MOST_CONNECTIONS {
                        let why = format!("nothing was ordered on {MOST_CONNECTIONS} connections");
                        return self.give_up(&why);
                    }
                    if patience.is_zero() {
                        let why =
                            format!("connections were open for {PATIENCE:?} without an order");
                        return self.give_up(&why);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let listener = PollFd::new(&self.listener, PollFlags::IN);
                    wait(&mut [listener, PollFd::new(woken, PollFlags::IN)], None);
                }
                // The listener stays ready, so waiting for it would return at once.
                Err(_) => wait(&mut [PollFd::new(woken, PollFlags::IN)], Some(PAUSE)),
            }
        }
    }

    /// The rest of the sample has no orders.
    fn give_up(&self, why: &str) {
        lock(&self.sample.report).get_or_insert_with(|| failed(why));
    }

    fn answer(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        patience: &mut Duration,
    ) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        if !self.owners.may_order(peer, stream.local_addr()?) {
            let why = "this address belongs to another contestant";
            return report_to(&stream, &failed(why));
        }
        let stream = Arc::new(stream);
        let began = Instant::now();
        let order = self.read(&stream, *patience);
        *patience = patience.saturating_sub(began.elapsed());
        let order = match order? {
            Ok(order) => order,
            Err(error) => return report_to(&stream, &failed(&error)),
        };
        if self.sample.report().is_some() {
            let why = "a sample has one order, and this is the second";
            return report_to(&stream, &failed(why));
        }
        let report = self.carry_out(order.server);
        // The comparison gets the report before the contestant does.
        *lock(&self.sample.report) = Some(report.clone());
        report_to(&stream, &report)
    }

    /// Reads an order until the sample ends.
    fn read(
        &self,
        stream: &Arc<TcpStream>,
        patience: Duration,
    ) -> io::Result<Result<Order, String>> {
        *lock(&self.sample.reading) = Some(Arc::clone(stream));
        // `end` sets `over` before it looks for the connection, so one of the two sees the other.
        let order = if self.sample.is_over() {
            Err(ErrorKind::UnexpectedEof.into())
        } else {
            read_order(stream, patience)
        };
        *lock(&self.sample.reading) = None;
        order
    }

    /// The inputs are those that the contestant was given, whatever it ordered.
    fn carry_out(&self, server: SocketAddr) -> Report {
        if !server.ip().is_loopback() {
            return failed("the server has to listen on a loopback address");
        }
        if !self.owners.may_serve(server) {
            return failed(&format!(
                "the server belongs to another contestant or program: at {server} listens neither \
                 the runner nor a process that it started"
            ));
        }
        let order = Order {
            inputs: self.inputs.clone(),
            server,
        };
        run(&order, &self.sample.over).unwrap_or_else(|error| Report::Failed { error })
    }
}

/// Waits until one is ready, at most for `pause`.
fn wait(fds: &mut [PollFd<'_>], pause: Option<Duration>) {
    let pause = pause.and_then(|pause| Timespec::try_from(pause).ok());
    if poll(fds, pause.as_ref()).is_err() {
        // Out of memory, or a signal.
        thread::sleep(PAUSE);
    }
}

/// No panic leaves the data half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(why: &str) -> Report {
    Report::Failed {
        error: why.to_owned(),
    }
}
