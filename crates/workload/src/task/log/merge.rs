//! An online merge of many logs by time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

use super::request::{LINE, STAMP};
use crate::task::failure::Failure;
use crate::value::digest_of;

type Line = [u8; LINE];
type Stamp = [u8; STAMP];

/// A receiver of the lines of logs, as tasks find them.
pub trait Lines: fmt::Debug + Send + Sync {
    /// Takes more of a task's log, split anywhere; `ended` if it is the last part.
    ///
    /// # Panics
    ///
    /// If there is no such task.
    fn feed(&self, task: usize, bytes: &[u8], ended: bool);
}

/// A merge in progress: one log for each task.
///
/// A line is passed on as soon as every other log has shown a later line or its end. Until then it
/// is kept, so a merge of logs that are followed one after another holds all but the last.
pub struct Merge {
    state: Mutex<State>,
}

struct State {
    logs: Vec<Open>,
    /// The first line of each log that has one, by its stamp; the lower log's comes first if stamps
    /// are equal.
    heads: BinaryHeap<Reverse<(Stamp, usize)>>,
    /// The number of unfinished logs without a line: while there is one, no line can be passed on.
    awaited: usize,
    merged: Sha256,
}

#[derive(Default)]
struct Open {
    lines: VecDeque<Line>,
    /// The beginning of an incomplete line.
    torn: Vec<u8>,
    ended: bool,
}

impl Merge {
    /// A merge of this many logs.
    pub fn new(logs: usize) -> Merge {
        Merge {
            state: Mutex::new(State {
                logs: (0..logs).map(|_| Open::default()).collect(),
                heads: BinaryHeap::with_capacity(logs),
                awaited: logs,
                merged: Sha256::new(),
            }),
        }
    }

    /// The digest of all lines in order.
    ///
    /// # Errors
    ///
    /// If a log has not ended.
    pub fn digest(&self) -> Result<u64, Failure> {
        let state = self.lock();
        if let Some(log) = state.logs.iter().position(|log| !log.ended) {
            return Err(Failure::new(format_args!(
                "the log of task {log} never came to the merge: was it followed in another process?"
            )));
        }
        Ok(digest_of(state.merged.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines for Merge {
    fn feed(&self, task: usize, bytes: &[u8], ended: bool) {
        self.lock().feed(task, bytes, ended);
    }
}

impl fmt::Debug for Merge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Merge")
            .field("logs", &state.logs.len())
            .field("awaited", &state.awaited)
            .finish_non_exhaustive()
    }
}

impl State {
    fn feed(&mut self, number: usize, mut bytes: &[u8], ended: bool) {
        let log = &mut self.logs[number];
        let was_awaited = log.lines.is_empty() && !log.ended;
        while log.torn.len() + bytes.len() >= LINE {
            let (head, tail) = bytes.split_at(LINE - log.torn.len());
            let mut line = [0; LINE];
            line[..log.torn.len()].copy_from_slice(&log.torn);
            line[log.torn.len()..].copy_from_slice(head);
            log.torn.clear();
            log.lines.push_back(line);
            bytes = tail;
        }
        log.torn.extend_from_slice(bytes);
        log.ended |= ended;
        if was_awaited {
            if let Some(line) = log.lines.front() {
                self.heads.push(Reverse((stamp(line), number)));
                self.awaited -= 1;
            } else if log.ended {
                self.awaited -= 1;
            }
        }
        self.advance();
    }

    /// Passes on every line that no other log can precede.
    fn advance(&mut self) {
        while self.awaited == 0
            && let Some(Reverse((_, number))) = self.heads.pop()
        {
            let log = &mut self.logs[number];
            if let Some(line) = log.lines.pop_front() {
                self.merged.update(line);
            }
            if let Some(next) = log.lines.front() {
                self.heads.push(Reverse((stamp(next), number)));
            } else if !log.ended {
                self.awaited += 1;
            }
        }
    }
}

fn stamp(line: &Line) -> Stamp {
    std::array::from_fn(|place| line[place])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::digest_bytes;
    use workload_kernels::rng::Rng;

    /// Lines of three logs; two of them share a stamp.
    fn logs() -> Vec<Vec<u8>> {
        let line = |time: u64, what: u64| format!("{time:014} {what:016x}\n");
        let log = |number: u64, times: &[u64]| {
            let lines: Vec<String> = times.iter().map(|time| line(*time, number)).collect();
            lines.concat().into_bytes()
        };
        vec![
            log(0, &[3, 70, 71, 500]),
            log(1, &[1, 3, 4]),
            log(2, &[2, 70, 900, 901, 902]),
        ]
    }

    fn in_order() -> u64 {
        let logs = logs();
        let mut lines: Vec<(&[u8], usize, &[u8])> = logs
            .iter()
            .enumerate()
            .flat_map(|(number, log)| {
                log.chunks(LINE)
                    .map(move |line| (&line[..STAMP], number, line))
            })
            .collect();
        lines.sort();
        let lines: Vec<&[u8]> = lines.iter().map(|(_, _, line)| *line).collect();
        digest_bytes(&lines)
    }

    #[test]
    fn however_lines_come_in_they_come_out_in_order() {
        let expected = in_order();
        for seed in 0..200 {
            let mut rng = Rng::new(seed);
            let merge = Merge::new(3);
            let mut rest = logs();
            while rest.iter().any(|log| !log.is_empty()) {
                let number = rng.below(3) as usize;
                if rest[number].is_empty() {
                    continue;
                }
                let most = rest[number].len() as u64;
                let piece: Vec<u8> = rest[number].drain(..1 + rng.below(most) as usize).collect();
                // The end may be reported with the last bytes, or after them.
                let ended = rest[number].is_empty();
                if ended && rng.below(2) == 0 {
                    merge.feed(number, &piece, false);
                    merge.feed(number, &[], true);
                } else {
                    merge.feed(number, &piece, ended);
                }
            }
            assert_eq!(merge.digest(), Ok(expected), "seed {seed}");
        }
    }

    #[test]
    fn lines_that_nothing_can_precede_are_not_kept() {
        let merge = Merge::new(2);
        let logs = logs();
        merge.feed(0, &logs[0], true);
        assert_eq!(merge.lock().logs[0].lines.len(), 4);
        merge.feed(1, &logs[1], false);
        // 1, 3, 3 and 4 are passed on; the next line of the second log is unknown.
        assert_eq!(merge.lock().logs[0].lines.len(), 3);
    }

    #[test]
    fn missing_log_is_an_error() {
        let merge = Merge::new(2);
        merge.feed(0, &logs()[0], true);
        let error = merge.digest().unwrap_err().to_string();
        assert!(error.contains("the log of task 1"), "{error}");
    }

    #[test]
    fn another_order_or_a_lost_line_is_another_digest() {
        let merge = |logs: Vec<Vec<u8>>| {
            let merge = Merge::new(logs.len());
            for (number, log) in logs.iter().enumerate() {
                merge.feed(number, log, true);
            }
            merge.digest().unwrap()
        };
        let mut short = logs();
        short[1].truncate(LINE);
        let mut swapped = logs();
        swapped.swap(0, 1);
        assert_eq!(merge(logs()), in_order());
        assert_ne!(merge(short), in_order());
        assert_ne!(merge(swapped), in_order());
    }
}
