//! The private channel of the comparison: lines on standard input, answers on standard output.
//!
//! A server must not report its own response times, so the verdict on a load reaches the comparison
//! through this channel and never passes through the contestant. Each contestant gets its own
//! address, which accepts one order between `begin` and `end`, and only from the contestant that is
//! being sampled.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rustix::event::{PollFd, PollFlags, poll};
use serde_json::to_vec;
use workload::serve::control::{Answer, Command};
use workload::serve::{Order, Report, listen};

use crate::owner::Owners;
use crate::run::run;
use crate::{read_order, report_to};

/// The address of one contestant.
struct Door {
    listener: TcpListener,
    inputs: PathBuf,
}

/// A sample under way.
struct Sampling {
    id: u64,
    over: Arc<AtomicBool>,
    /// Closed to wake the thread that accepts.
    wake: UnixStream,
    verdict: Arc<Mutex<Option<Report>>>,
    thread: JoinHandle<()>,
}

/// Answers commands until the input ends.
pub(crate) fn serve() -> io::Result<()> {
    let mut doors: BTreeMap<u64, Door> = BTreeMap::new();
    let mut sampling: Option<Sampling> = None;
    let mut next = 0;
    let mut stdout = io::stdout();
    for line in io::stdin().lock().lines() {
        let answer = match serde_json::from_str(&line?) {
            Ok(Command::Open { inputs }) => {
                let listener = listen()?;
                listener.set_nonblocking(true)?;
                let address = listener.local_addr()?;
                next += 1;
                doors.insert(next, Door { listener, inputs });
                Answer::Opened { id: next, address }
            }
            Ok(Command::Begin { id, runner }) => {
                drop(sampling.take().map(Sampling::end));
                match doors.get(&id) {
                    Some(door) => {
                        sampling = Some(Sampling::begin(id, door, runner)?);
                        Answer::Begun { id }
                    }
                    None => unknown(id),
                }
            }
            Ok(Command::End { id }) => match sampling.take() {
                Some(current) if current.id == id => Answer::Ended {
                    id,
                    report: current.end(),
                },
                other => {
                    sampling = other;
                    unknown(id)
                }
            },
            Ok(Command::Close { id }) => {
                doors.remove(&id);
                Answer::Closed { id }
            }
            Err(error) => Answer::Refused {
                why: error.to_string(),
            },
        };
        let mut line = to_vec(&answer)?;
        line.push(b'\n');
        stdout.write_all(&line)?;
        stdout.flush()?;
    }
    // A load under way has no reader any more.
    std::process::exit(0);
}

fn unknown(id: u64) -> Answer {
    Answer::Refused {
        why: format!("{id} is not open, or not being sampled"),
    }
}

impl Sampling {
    fn begin(id: u64, door: &Door, runner: u32) -> io::Result<Sampling> {
        let listener = door.listener.try_clone()?;
        // An order sent before the sample does not belong to it.
        while let Ok((early, _)) = listener.accept() {
            drop(early);
        }
        let (wake, woken) = UnixStream::pair()?;
        let over = Arc::new(AtomicBool::new(false));
        let verdict = Arc::new(Mutex::new(None));
        let orders = Orders {
            listener,
            inputs: door.inputs.clone(),
            owners: Owners::new(runner),
            over: Arc::clone(&over),
            verdict: Arc::clone(&verdict),
        };
        let thread = thread::Builder::new().spawn(move || orders.take(&woken))?;
        Ok(Sampling {
            id,
            over,
            wake,
            verdict,
            thread,
        })
    }

    /// Ends a load that is still under way, and returns the verdict; `None` if none was ordered.
    fn end(self) -> Option<Report> {
        self.over.store(true, Ordering::SeqCst);
        drop(self.wake);
        // A panic in the load is no verdict.
        let _ = self.thread.join();
        self.verdict
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// Takes the orders of one sample.
struct Orders {
    listener: TcpListener,
    inputs: PathBuf,
    owners: Owners,
    over: Arc<AtomicBool>,
    verdict: Arc<Mutex<Option<Report>>>,
}

impl Orders {
    fn take(&self, woken: &UnixStream) {
        while !self.over.load(Ordering::SeqCst) {
            let mut fds = [
                PollFd::new(&self.listener, PollFlags::IN),
                PollFd::new(woken, PollFlags::IN),
            ];
            // An error shows up again in `accept`.
            let _ = poll(&mut fds, None);
            while let Ok((stream, peer)) = self.listener.accept() {
                // A contestant that has gone away needs no answer.
                let _ = self.answer(&stream, peer);
            }
        }
    }

    fn answer(&self, stream: &TcpStream, peer: SocketAddr) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        if !self.owners.may_order(peer, stream.local_addr()?) {
            let why = "this address belongs to another contestant";
            return report_to(stream, &failed(why));
        }
        let order = match read_order(stream)? {
            Ok(order) => order,
            Err(error) => return report_to(stream, &failed(&error)),
        };
        if self.verdict().is_some() {
            return report_to(
                stream,
                &failed("a sample has one load, and this is the second"),
            );
        }
        let report = self.carry_out(order.server);
        // The comparison gets the report before the contestant does.
        *self.verdict() = Some(report.clone());
        report_to(stream, &report)
    }

    /// The inputs are those that the contestant was given, whatever it ordered.
    fn carry_out(&self, server: SocketAddr) -> Report {
        if !server.ip().is_loopback() {
            return failed("the server has to listen on a loopback address");
        }
        if !self.owners.may_serve(server) {
            return failed("the server belongs to another contestant");
        }
        let order = Order {
            inputs: self.inputs.clone(),
            server,
        };
        run(&order, &self.over).unwrap_or_else(|error| Report::Failed { error })
    }

    fn verdict(&self) -> std::sync::MutexGuard<'_, Option<Report>> {
        self.verdict.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(why: &str) -> Report {
    Report::Failed {
        error: why.to_owned(),
    }
}
