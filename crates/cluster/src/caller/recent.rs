//! [`Recent`]: the jobs that ended last, to tell a late result from a forged one.

use std::collections::{HashMap, VecDeque};

/// The number of ended jobs that are remembered.
const REMEMBERED: usize = 16_384;

/// Ended jobs with their nonces, the newest [`REMEMBERED`].
#[derive(Default)]
pub(crate) struct Recent {
    nonces: HashMap<u64, u64>,
    ids: VecDeque<u64>,
}

impl Recent {
    pub(crate) fn push(&mut self, id: u64, nonce: u64) {
        if self.ids.len() == REMEMBERED
            && let Some(oldest) = self.ids.pop_front()
        {
            self.nonces.remove(&oldest);
        }
        self.ids.push_back(id);
        self.nonces.insert(id, nonce);
    }

    pub(crate) fn contains(&self, id: u64, nonce: u64) -> bool {
        self.nonces.get(&id) == Some(&nonce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oldest_is_forgotten_first() {
        let mut recent = Recent::default();
        for id in 0..=REMEMBERED as u64 {
            recent.push(id, id + 1);
        }
        assert!(!recent.contains(0, 1));
        assert!(recent.contains(1, 2));
        assert!(!recent.contains(1, 3), "the nonce of another job");
    }
}
