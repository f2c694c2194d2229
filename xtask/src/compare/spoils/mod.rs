//! Probes of what spoils a run: looked at before the first table and after the last.

mod cgroup;
mod clock;
mod cpu_time;
mod frequency;
mod swap;
mod two_kinds;

pub(super) use two_kinds::two_kinds;

use std::path::Path;

use super::warnings::Warning;
use crate::files;

/// No file that is read here is longer, even with thousands of processors.
const MAX_BYTES: u64 = 16 << 20;

/// The readings of the probes at the beginning.
#[derive(Debug)]
pub(super) struct Watch {
    cpu: Option<cpu_time::Seen>,
    swap: Option<u64>,
    mhz: Option<f64>,
    clock: clock::Seen,
}

impl Watch {
    /// Looks at everything for the first time.
    pub(super) fn begin() -> Watch {
        let root = Path::new("/");
        Watch {
            cpu: cpu_time::look(root),
            swap: swap::pages(root),
            mhz: frequency::highest_mhz(root),
            clock: clock::look(),
        }
    }

    /// Looks again, and says what happened in between.
    pub(super) fn end(&self) -> Vec<Warning> {
        let root = Path::new("/");
        let later = Watch::begin();
        let mut warnings: Vec<Warning> = cgroup::warning(root).into_iter().collect();
        if let (Some(before), Some(after)) = (self.cpu, later.cpu) {
            warnings.extend(cpu_time::warnings(before, after));
        }
        let numbers = self.swap.zip(later.swap);
        warnings.extend(numbers.and_then(|(before, after)| swap::warning(before, after)));
        let mhz = self.mhz.zip(later.mhz);
        warnings.extend(mhz.and_then(|(before, after)| frequency::warning(before, after)));
        warnings.extend(clock::warning(self.clock, later.clock));
        warnings
    }
}

/// The text of a file below `root`, if there is one.
fn text(root: &Path, path: &str) -> Option<String> {
    files::read_text(&root.join(path), MAX_BYTES).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_twice_at_this_machine_is_no_panic() {
        let watch = Watch::begin();
        for warning in watch.end() {
            assert!(!warning.to_string().is_empty());
        }
    }
}
