//! [`Recent`]: the jobs that ended last, to tell a late result from a forged one.

/// The number of ended jobs that are remembered.
const REMEMBERED: u64 = 16_384;

/// Ended jobs with their nonces. Ids are given in order, so a place for each of the newest
/// [`REMEMBERED`] ids is enough.
#[derive(Default)]
pub(crate) struct Recent {
    places: Vec<Option<(u64, u64)>>,
}

/// The place of an id.
fn place(id: u64) -> usize {
    (id % REMEMBERED) as usize
}

impl Recent {
    pub(crate) fn push(&mut self, id: u64, nonce: u64) {
        let place = place(id);
        if self.places.len() <= place {
            self.places.resize(place + 1, None);
        }
        self.places[place] = Some((id, nonce));
    }

    pub(crate) fn contains(&self, id: u64, nonce: u64) -> bool {
        self.places.get(place(id)) == Some(&Some((id, nonce)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oldest_is_forgotten_first() {
        let mut recent = Recent::default();
        for id in 0..=REMEMBERED {
            recent.push(id, id + 1);
        }
        assert!(!recent.contains(0, 1));
        assert!(recent.contains(1, 2));
        assert!(!recent.contains(1, 3), "the nonce of another job");
    }
}
