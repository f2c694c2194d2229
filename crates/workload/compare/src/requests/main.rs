//! The requests of the pattern `serve`, at a fixed rate whether or not the server keeps up.
//!
//! The program prints the address it listens on, one line, and exits when its standard input ends.
//! A runner sends it an order, one JSON object in one line, and gets a report back when the
//! requests are over: see `docs/protocol.md`. It carries out one order at a time; the next one
//! waits. With `--control` it listens nowhere until the comparison tells it to on standard input,
//! and it also sends each report to the comparison.
//!
//! The loop is open: request `k` is due `k / rate` seconds after the beginning, and its response
//! time counts from then, not from when it could be sent. So a server that stalls is charged for
//! all requests that were due meanwhile, which a client that waits for each answer before it asks
//! again would leave out ("coordinated omission", as Gil Tene calls it).

mod client;
mod clock;
mod control;
mod orders;
mod owner;
mod run;
mod times;

use std::io::{self, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use workload::descriptors;
use workload::serve::{Order, Report, listen, read_line};

/// An order is a line with a path and an address.
const LONGEST_ORDER: usize = 64 * 1024;

/// How long to wait for an order on an open connection. Orders are taken one at a time, so a silent
/// client delays the others this long.
const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("requests: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> io::Result<()> {
    descriptors::raise_limit();
    if std::env::args_os()
        .nth(1)
        .is_some_and(|arg| arg == "--control")
    {
        return control::serve();
    }
    let listener = listen()?;
    let mut stdout = io::stdout();
    writeln!(stdout, "{}", listener.local_addr()?)?;
    stdout.flush()?;
    std::thread::spawn(|| {
        // The input is ignored: its end is the signal.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
    loop {
        let (stream, _) = listener.accept()?;
        // A runner that is gone needs no report.
        let _ = answer(&stream);
    }
}

fn answer(stream: &TcpStream) -> io::Result<()> {
    let report = match read_order(stream, PATIENCE)? {
        Ok(order) => run::run(&order, &AtomicBool::new(false))
            .unwrap_or_else(|error| Report::Failed { error }),
        Err(error) => Report::Failed { error },
    };
    report_to(stream, &report)
}

/// Reads an order; the inner error says why the line is not one.
fn read_order(stream: &TcpStream, patience: Duration) -> io::Result<Result<Order, String>> {
    let line = read_line(stream, LONGEST_ORDER, patience)?;
    Ok(serde_json::from_str(&line).map_err(|error| format!("this is not an order: {error}")))
}

fn report_to(mut stream: &TcpStream, report: &Report) -> io::Result<()> {
    let mut line = serde_json::to_vec(report)?;
    line.push(b'\n');
    stream.write_all(&line)
}
