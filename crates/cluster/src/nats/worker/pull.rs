//! [`Pulls`]: the open pulls of one consumer, and how many jobs they may still bring.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How much later than the server an open pull is taken for expired here.
const SLACK: Duration = Duration::from_secs(1);

/// The open pulls of one consumer, oldest first: the server serves them in this order.
#[derive(Default)]
pub(super) struct Pulls {
    open: VecDeque<(Instant, usize)>,
}

impl Pulls {
    /// The jobs that may still come.
    pub(super) fn expected(&self) -> usize {
        self.open.iter().map(|(_, jobs)| jobs).sum()
    }

    pub(super) fn opened(&mut self, jobs: usize, expires: Duration, now: Instant) {
        self.open.push_back((now + expires + SLACK, jobs));
    }

    /// A job has come.
    pub(super) fn filled(&mut self) {
        if let Some((_, jobs)) = self.open.front_mut() {
            *jobs -= 1;
            if *jobs == 0 {
                self.open.pop_front();
            }
        }
    }

    /// The oldest pull has ended, with this many jobs unfilled if the server says so.
    pub(super) fn ended(&mut self, unfilled: Option<usize>) {
        let left = self.open.front().map_or(0, |(_, jobs)| *jobs);
        let mut unfilled = unfilled.unwrap_or(left);
        while unfilled > 0
            && let Some((_, jobs)) = self.open.front_mut()
        {
            let taken = unfilled.min(*jobs);
            *jobs -= taken;
            unfilled -= taken;
            if *jobs == 0 {
                self.open.pop_front();
            }
        }
    }

    /// Forgets pulls whose end the server did not tell: the connection was down.
    pub(super) fn expire(&mut self, now: Instant) {
        while self.open.front().is_some_and(|(end, _)| *end <= now) {
            self.open.pop_front();
        }
    }

    pub(super) fn clear(&mut self) {
        self.open.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_fill_the_oldest_pull_first() {
        let (now, mut pulls) = (Instant::now(), Pulls::default());
        pulls.opened(2, Duration::ZERO, now);
        pulls.opened(3, Duration::from_secs(60), now);
        pulls.filled();
        assert_eq!(pulls.expected(), 4);
        pulls.ended(None);
        assert_eq!(pulls.expected(), 3);
        pulls.ended(Some(2));
        assert_eq!(pulls.expected(), 1);
        pulls.filled();
        pulls.filled();
        assert_eq!(pulls.expected(), 0);
    }

    #[test]
    fn untold_ends_expire() {
        let (now, mut pulls) = (Instant::now(), Pulls::default());
        pulls.opened(2, Duration::ZERO, now);
        pulls.expire(now);
        assert_eq!(pulls.expected(), 2);
        pulls.expire(now + SLACK);
        assert_eq!(pulls.expected(), 0);
    }
}
