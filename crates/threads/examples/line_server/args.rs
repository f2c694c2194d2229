//! The command line.

use std::net::SocketAddr;
use std::time::Duration;

pub(crate) const USAGE: &str = "\
Usage: line_server [--listen ADDRESS] [--connections N] [--idle SECONDS] [--grace SECONDS]
       line_server --client ADDRESS LOWER UPPER [SECRET]

The server guesses a number that the client knows. It prints the address it listens on, and exits
when its standard input ends. The client plays one round; without SECRET it asks you how good each
guess is.

  --listen ADDRESS   where to listen (127.0.0.1:0, a free port)
  --connections N    serve at most N at once; others wait to be accepted
  --idle SECONDS     close a connection that sends nothing, or takes no answer, for this long (60)
  --grace SECONDS    let sessions continue for this long when the server shuts down (5)";

/// The parsed command line.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Serve(Serve),
    Play(Play),
    Help,
}

/// The settings of the server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Serve {
    pub(crate) listen: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) idle: Duration,
    pub(crate) grace: Duration,
}

/// The round to play.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Play {
    pub(crate) server: SocketAddr,
    pub(crate) lower: i64,
    pub(crate) upper: i64,
    pub(crate) secret: Option<i64>,
}

/// Parses the arguments; an error is one line that says what to do.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = String>,
    connections: usize,
) -> Result<Command, String> {
    let mut serve = Serve {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        connections,
        idle: Duration::from_secs(60),
        grace: Duration::from_secs(5),
    };
    let mut arguments = arguments.into_iter();
    while let Some(flag) = arguments.next() {
        if flag == "--help" || flag == "-h" {
            return Ok(Command::Help);
        }
        if flag == "--client" {
            return play(&arguments.collect::<Vec<_>>()).map(Command::Play);
        }
        let mut value = || {
            let value = arguments.next();
            value.ok_or_else(|| format!("{flag} needs a value: see --help"))
        };
        match flag.as_str() {
            "--listen" => serve.listen = address(&value()?)?,
            "--connections" => serve.connections = at_least_one(&value()?)?,
            "--idle" => serve.idle = seconds(&value()?)?,
            "--grace" => serve.grace = seconds(&value()?)?,
            _ => return Err(format!("unknown argument {flag:?}: see --help")),
        }
    }
    Ok(Command::Serve(serve))
}

fn play(arguments: &[String]) -> Result<Play, String> {
    let (server, lower, upper, secret) = match arguments {
        [server, lower, upper] => (server, lower, upper, None),
        [server, lower, upper, secret] => (server, lower, upper, Some(number(secret)?)),
        _ => return Err("--client needs ADDRESS LOWER UPPER [SECRET]: see --help".into()),
    };
    let (server, lower, upper) = (address(server)?, number(lower)?, number(upper)?);
    if !(lower..=upper).contains(&secret.unwrap_or(lower)) {
        return Err("the secret is out of bounds: give LOWER <= SECRET <= UPPER".into());
    }
    Ok(Play {
        server,
        lower,
        upper,
        secret,
    })
}

fn address(value: &str) -> Result<SocketAddr, String> {
    let address = value.parse();
    address.map_err(|_| format!("{value:?} is not an address: give one like 127.0.0.1:1234"))
}

fn number(value: &str) -> Result<i64, String> {
    let number = value.parse();
    number.map_err(|_| format!("{value:?} is not a number: give an integer of 64 bits"))
}

fn at_least_one(value: &str) -> Result<usize, String> {
    let number = value.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("{value:?} is not a limit: give a number of at least 1"))
}

fn seconds(value: &str) -> Result<Duration, String> {
    // A socket rejects a timeout of zero, and a clock overflows with centuries.
    let seconds = value.parse::<f64>().ok();
    let seconds = seconds.filter(|seconds| (0.001..=1e6).contains(seconds));
    let seconds = seconds
        .ok_or_else(|| format!("{value:?} is not a time: give seconds, from 0.001 to 1000000"))?;
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(String::from), 64)
    }

    #[test]
    fn flags_override_defaults() {
        let Ok(Command::Serve(serve)) = parsed("") else {
            panic!("no server")
        };
        assert_eq!((serve.connections, serve.listen.port()), (64, 0));
        let line = "--idle 0.5 --connections 3 --grace 2 --listen [::1]:80";
        let Ok(Command::Serve(serve)) = parsed(line) else {
            panic!("no server")
        };
        assert_eq!(serve.idle, Duration::from_millis(500));
        assert_eq!((serve.connections, serve.listen.port()), (3, 80));
        assert_eq!(parsed("--connections 3 --help"), Ok(Command::Help));
    }

    #[test]
    fn client_needs_a_round_that_can_be_won() {
        let Ok(Command::Play(play)) = parsed("--client 127.0.0.1:9 1 5 3") else {
            panic!("no client")
        };
        assert_eq!((play.lower, play.upper, play.secret), (1, 5, Some(3)));
        assert!(parsed("--client 127.0.0.1:9 1 5").is_ok());
        for line in ["1 5 6", "5 1", "1", "1 5 3 4", "a b"] {
            assert!(
                parsed(&format!("--client 127.0.0.1:9 {line}")).is_err(),
                "{line}"
            );
        }
    }

    #[test]
    fn errors_are_one_line_that_says_what_to_do() {
        for line in [
            "--connections 0",
            "--connections",
            "--idle 0",
            "--idle nan",
            "--grace -1",
            "--listen here",
            "serve",
        ] {
            let error = parsed(line).unwrap_err();
            assert!(error.contains(": ") && !error.contains('\n'), "{error}");
        }
    }
}
