//! The private channel of the comparison: lines on standard input, answers on standard output.
//!
//! A server must not report its own response times, so the report on its requests reaches the
//! comparison through this channel and never passes through the contestant. Each contestant gets
//! its own address, which accepts one order between `begin` and `end`, and only from the contestant
//! that is being sampled.

use std::collections::BTreeMap;
use std::io::{self, BufRead, ErrorKind, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use serde_json::to_vec;
use workload::serve::control::{Answer, Command};
use workload::serve::{Report, listen};

use crate::orders::{Orders, Sample};
use crate::owner::Owners;

/// How many connections a listener can hold before they are accepted.
const BACKLOG: usize = 4096;

/// The address at which one contestant orders.
struct OrderAddress {
    listener: TcpListener,
    inputs: PathBuf,
}

/// A sample under way.
struct Sampling {
    id: u64,
    sample: Arc<Sample>,
    /// Closed to wake the thread that accepts.
    wake: UnixStream,
    thread: JoinHandle<()>,
}

/// Answers commands until the input ends.
pub(crate) fn serve() -> io::Result<()> {
    let mut addresses: BTreeMap<u64, OrderAddress> = BTreeMap::new();
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
                addresses.insert(next, OrderAddress { listener, inputs });
                Answer::Opened { id: next, address }
            }
            Ok(Command::Begin { id, runner }) => {
                drop(sampling.take().map(Sampling::end));
                match addresses.get(&id) {
                    Some(address) => match Sampling::begin(id, address, runner) {
                        Ok(begun) => {
                            sampling = Some(begun);
                            Answer::Begun { id }
                        }
                        Err(error) => Answer::Refused {
                            why: format!("the sample cannot begin: {error}"),
                        },
                    },
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
                addresses.remove(&id);
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
    // Requests in flight have no reader any more.
    std::process::exit(0);
}

fn unknown(id: u64) -> Answer {
    Answer::Refused {
        why: format!("{id} is not open, or not being sampled"),
    }
}

impl Sampling {
    fn begin(id: u64, address: &OrderAddress, runner: u32) -> io::Result<Sampling> {
        let listener = address.listener.try_clone()?;
        drop_early(&listener)?;
        let (wake, woken) = UnixStream::pair()?;
        let sample = Arc::new(Sample::default());
        let orders = Orders {
            listener,
            inputs: address.inputs.clone(),
            owners: Owners::new(runner),
            sample: Arc::clone(&sample),
        };
        let thread = thread::Builder::new().spawn(move || orders.take(&woken))?;
        Ok(Sampling {
            id,
            sample,
            wake,
            thread,
        })
    }

    /// Ends requests that are still in flight, and returns the report; `None` if none were ordered.
    fn end(self) -> Option<Report> {
        self.sample.end();
        drop(self.wake);
        // A panic leaves no report.
        let _ = self.thread.join();
        self.sample.report()
    }
}

/// Drops the connections that came before the sample: their orders do not belong to it. Takes no
/// more than the backlog holds, since a contestant may connect without end.
fn drop_early(listener: &TcpListener) -> io::Result<()> {
    for _ in 0..=BACKLOG {
        match listener.accept() {
            Ok((early, _)) => drop(early),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
