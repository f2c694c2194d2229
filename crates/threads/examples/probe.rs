//! A port probe: which of these addresses accept a connection, asked by blocking calls, a thread
//! for each and a limit on the threads.
//!
//! It shows a map over inputs of different kinds of failure (one address refuses, another is not
//! reached in time), a limit, and a deadline after which no probe is started.
//!
//! `cargo run -p effective-threads --example probe -- [OPTIONS] [HOST:PORT...]`, with the options
//! `--at-once N` (64), `--timeout-ms MS` for each address (1000), `--deadline-ms MS` for all
//! (30000).
//!
//! Without addresses it probes a port of its own and one without a listener. The exit status is 1
//! if one of the given addresses does not answer, 2 if the arguments are wrong.

use std::env;
use std::ffi::OsString;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;

use effective_threads::Threads;

const USAGE: &str =
    "usage: probe [--at-once N] [--timeout-ms MS] [--deadline-ms MS] [HOST:PORT...]";

struct Settings {
    at_once: NonZeroUsize,
    timeout: Duration,
    deadline: Duration,
    addresses: Vec<String>,
}

fn settings(arguments: &[OsString]) -> Result<Settings, String> {
    let mut settings = Settings {
        at_once: NonZeroUsize::new(64).expect("not zero"),
        timeout: Duration::from_secs(1),
        deadline: Duration::from_secs(30),
        addresses: Vec::new(),
    };
    let mut arguments = arguments.iter().map(|argument| argument.to_string_lossy());
    while let Some(argument) = arguments.next() {
        let option = argument.as_ref();
        if !option.starts_with("--") {
            let port = option
                .rsplit_once(':')
                .and_then(|(_, port)| port.parse::<u16>().ok());
            port.ok_or_else(|| format!("{option} is not HOST:PORT"))?;
            settings.addresses.push(option.to_owned());
            continue;
        }
        let value = arguments
            .next()
            .and_then(|text| text.parse::<NonZeroUsize>().ok());
        let value = value.ok_or_else(|| format!("{option} needs a number of at least 1"));
        let time = |value: NonZeroUsize| Duration::from_millis(value.get() as u64);
        match option {
            "--at-once" => settings.at_once = value?,
            "--timeout-ms" => settings.timeout = time(value?),
            "--deadline-ms" => settings.deadline = time(value?),
            _ => return Err(format!("no option {option}")),
        }
    }
    Ok(settings)
}

/// Connects to the first address of the name that answers.
fn connect(name: &str, timeout: Duration) -> io::Result<SocketAddr> {
    let mut last = io::Error::other("the name has no address");
    for address in name.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(_) => return Ok(address),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Returns how many addresses do not answer.
fn probe(settings: &Settings) -> usize {
    let results = Threads::new()
        .limit(settings.at_once)
        .name_prefix("probe")
        .deadline(settings.deadline)
        .map(&settings.addresses, |name| connect(name, settings.timeout));
    let mut silent = 0;
    for (name, result) in settings.addresses.iter().zip(results) {
        silent += usize::from(!matches!(result, Ok(Ok(_))));
        match result {
            Ok(Ok(address)) => println!("{name} answers at {address}"),
            Ok(Err(error)) => println!("{name} does not answer: {error}"),
            // The deadline has passed, or its thread panicked.
            Err(error) => println!("{name} was not probed: {error}"),
        }
    }
    println!(
        "{} of {} answer",
        settings.addresses.len() - silent,
        settings.addresses.len()
    );
    silent
}

/// Probes a port that answers, and one that was just given back to the system.
fn demonstrate(mut settings: Settings) -> io::Result<()> {
    let open = TcpListener::bind("127.0.0.1:0")?;
    let closed = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    settings.addresses = vec![open.local_addr()?.to_string(), closed.to_string()];
    probe(&settings);
    Ok(())
}

pub(crate) fn run(arguments: &[OsString]) -> u8 {
    match settings(arguments) {
        Ok(settings) if settings.addresses.is_empty() => match demonstrate(settings) {
            Ok(()) => 0,
            Err(error) => {
                eprintln!("probe: cannot open a port: {error}");
                1
            }
        },
        Ok(settings) => u8::from(probe(&settings) > 0),
        Err(problem) => {
            eprintln!("probe: {problem}; {USAGE}");
            2
        }
    }
}

fn main() -> ExitCode {
    run(&env::args_os().skip(1).collect::<Vec<_>>()).into()
}
