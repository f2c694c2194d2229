//! The client's side of a round: it knows the secret and rates the guesses.

use std::io::{self, Write};

use crate::guesses::Report;

/// The source of the reports.
#[derive(Debug)]
pub(crate) enum Player {
    /// This program, which knows the secret.
    Program {
        secret: i64,
        last_distance: Option<u64>,
    },
    /// A person at the terminal.
    Person,
}

impl Player {
    pub(crate) fn new(secret: Option<i64>) -> Self {
        secret.map_or(Self::Person, |secret| Self::Program {
            secret,
            last_distance: None,
        })
    }

    /// The report on this guess. Blocks while it waits for a person.
    pub(crate) fn judge(&mut self, guess: i64) -> io::Result<Report> {
        match self {
            Self::Program {
                secret,
                last_distance,
            } => {
                let distance = guess.abs_diff(*secret);
                let before = last_distance.replace(distance);
                Ok(compare(distance, before))
            }
            Self::Person => ask(guess),
        }
    }
}

fn compare(distance: u64, before: Option<u64>) -> Report {
    match before {
        _ if distance == 0 => Report::Correct,
        Some(before) if distance < before => Report::Warmer,
        Some(before) if distance > before => Report::Colder,
        _ => Report::Unsure,
    }
}

fn ask(guess: i64) -> io::Result<Report> {
    loop {
        print!("Is it {guess}? (y)es, (w)armer, (c)older, or (u)nsure: ");
        io::stdout().flush()?;
        let mut line = String::new();
        if io::stdin().read_line(&mut line)? == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the input ended before the number was found",
            ));
        }
        match line.trim() {
            "y" | "yes" => return Ok(Report::Correct),
            "w" => return Ok(Report::Warmer),
            "c" => return Ok(Report::Colder),
            "u" => return Ok(Report::Unsure),
            _ => println!("Please type one of y, w, c and u."),
        }
    }
}

/// The server's answer to `NUMBER`.
pub(crate) fn guess_in(line: Option<&str>) -> io::Result<i64> {
    let line = line.ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the server closed the connection in the middle of a round",
        )
    })?;
    line.parse()
        .map_err(|_| io::Error::other(format!("the server said: {line}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_compares_with_the_previous_guess() {
        let mut player = Player::new(Some(3));
        let reports = [1, 5, 4, 1, 3].map(|guess| player.judge(guess).unwrap());
        use Report::{Colder, Correct, Unsure, Warmer};
        assert_eq!(reports, [Unsure, Unsure, Warmer, Colder, Correct]);
    }

    #[test]
    fn answer_that_is_not_a_number_is_quoted() {
        assert_eq!(guess_in(Some("-17")).unwrap(), -17);
        let error = guess_in(Some("ERROR no round")).unwrap_err();
        assert_eq!(error.to_string(), "the server said: ERROR no round");
        assert_eq!(
            guess_in(None).unwrap_err().kind(),
            io::ErrorKind::UnexpectedEof
        );
    }
}
