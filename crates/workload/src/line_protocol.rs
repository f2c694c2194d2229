//! The client's side of the number-guessing line protocol.
//!
//! The server guesses a number that the client knows:
//!
//! | line of the client | answer of the server |
//! |---|---|
//! | `PARAMS lower upper` | none; a round begins. `PARAMS 0 -1` ends one |
//! | `NUMBER` | its next guess, or the secret once it knows it |
//! | `REPORT Unsure`, `Warmer`, `Colder` or `Correct` | none; it rates the last guess |
//! | anything else | one line `ERROR …`, and the connection is closed |

use std::fmt;

/// A round of guessing: the server knows the bounds, the client also the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// The smallest number that may be guessed.
    pub lower: i64,
    /// The largest number that may be guessed.
    pub upper: i64,
    /// The number that the server has to find.
    pub secret: i64,
}

impl Round {
    /// The line that begins the round.
    pub fn params(&self) -> String {
        format!("PARAMS {} {}\n", self.lower, self.upper)
    }

    /// The line that ends any round.
    pub const END: &'static str = "PARAMS 0 -1\n";
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} between {} and {}",
            self.secret, self.lower, self.upper
        )
    }
}

/// A client's state in a round.
///
/// ```
/// use workload::line_protocol::{Player, Round};
///
/// let mut player = Player::new(Round { lower: 1, upper: 5, secret: 3 });
/// let reports = [1, 2, 5, 3].map(|guess| player.judge(guess));
/// assert_eq!(reports, ["Unsure", "Warmer", "Colder", "Correct"]);
/// ```
#[derive(Clone, Debug)]
pub struct Player {
    secret: i64,
    last_distance: Option<u64>,
}

impl Player {
    /// The state at the beginning of the round.
    pub fn new(round: Round) -> Self {
        Self {
            secret: round.secret,
            last_distance: None,
        }
    }

    /// The report on this guess: how it compares with the previous one.
    pub fn judge(&mut self, guess: i64) -> &'static str {
        let distance = guess.abs_diff(self.secret);
        match self.last_distance.replace(distance) {
            _ if distance == 0 => "Correct",
            Some(before) if distance < before => "Warmer",
            Some(before) if distance > before => "Colder",
            _ => "Unsure",
        }
    }
}
