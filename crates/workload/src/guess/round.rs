use std::fmt;

/// A round of guessing: the server is told the bounds, the secret is the client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// The smallest number that may be guessed.
    pub lower: i64,
    /// The largest.
    pub upper: i64,
    /// The number to be found.
    pub secret: i64,
}

impl Round {
    /// The line that begins it.
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

/// What a client remembers of its round.
///
/// ```
/// use workload::guess::{Player, Round};
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
    /// At the beginning of a round.
    pub fn new(round: Round) -> Self {
        Self {
            secret: round.secret,
            last_distance: None,
        }
    }

    /// The word to report on this guess: how it compares with the one before.
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
