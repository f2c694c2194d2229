//! The writer of a log.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use workload_kernels::rng::Rng;

use super::request::{LINE, Log};

/// The interval between writes.
const TICK: Duration = Duration::from_millis(1);

/// The limit on bytes per write, so that a thread with many logs serves them all.
const PIECE: u64 = 64 * 1024;

/// The largest difference between the stamps of two consecutive lines.
const GAP: u64 = 1000;

/// A log that is being written: evenly, and without regard for line ends.
#[derive(Debug)]
pub struct Growth {
    log: Log,
    file: File,
    begun: Instant,
    written: u64,
    lines: Lines,
    /// The rest of a partly written line.
    rest: Vec<u8>,
}

impl Growth {
    /// Creates the empty file; from now on it is due to grow.
    ///
    /// # Errors
    ///
    /// If the file exists already, or cannot be created.
    pub fn begin(log: Log, path: &Path) -> io::Result<Growth> {
        Ok(Growth {
            log,
            file: OpenOptions::new()
                .append(true)
                .create_new(true)
                .open(path)?,
            begun: Instant::now(),
            written: 0,
            lines: Lines::new(log.seed),
            rest: Vec::new(),
        })
    }

    /// Appends the bytes that are due by now. Returns the time until the next call; `None` once the
    /// log is complete.
    ///
    /// # Errors
    ///
    /// If the file cannot be written, for example because the disk is full.
    pub fn grow(&mut self) -> io::Result<Option<Duration>> {
        let over = Duration::from_nanos(self.log.over_ns);
        let elapsed = self.begun.elapsed();
        let due = if elapsed >= over {
            self.log.bytes
        } else {
            // Less than the whole, since the time is not up.
            (u128::from(self.log.bytes) * elapsed.as_nanos() / over.as_nanos()) as u64
        };
        let piece = (due - self.written).min(PIECE) as usize;
        while self.rest.len() < piece {
            self.rest.extend_from_slice(&self.lines.next());
        }
        self.file.write_all(&self.rest[..piece])?;
        self.rest.drain(..piece);
        self.written += piece as u64;
        if self.written == self.log.bytes {
            return Ok(None);
        }
        Ok(Some(if self.written < due {
            Duration::ZERO
        } else {
            TICK.min(over.saturating_sub(elapsed))
        }))
    }
}

/// The lines that follow from a seed.
#[derive(Debug)]
pub(super) struct Lines {
    rng: Rng,
    time: u64,
}

impl Lines {
    pub(super) fn new(seed: u64) -> Lines {
        Lines {
            rng: Rng::new(seed),
            time: 0,
        }
    }

    pub(super) fn next(&mut self) -> [u8; LINE] {
        self.time += 1 + self.rng.below(GAP);
        let text = format!("{:014} {:016x}\n", self.time, self.rng.next_u64());
        // The stamps stay below 10¹⁴, since no log is longer than a gibibyte.
        text.as_bytes().try_into().expect("a line of 32 bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_follow_from_the_seed() {
        let mut lines = Lines::new(42);
        let text = [lines.next(), lines.next()].concat();
        // Documented in docs/protocol.md.
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "00000000000742 28efe333b266f103\n00000000001021 581ce1ff0e4ae394\n"
        );
    }

    #[test]
    fn log_grows_when_bytes_are_due() {
        let path = std::env::temp_dir().join(format!("growth-{}", std::process::id()));
        let hour = Duration::from_secs(3600);
        let log = Log {
            bytes: 32 * 100,
            over_ns: hour.as_nanos() as u64,
            seed: 1,
        };
        let mut growth = Growth::begin(log, &path).unwrap();
        let mut length_after = |elapsed: Duration| {
            growth.begun = Instant::now() - elapsed;
            let pause = growth.grow().unwrap();
            (pause, std::fs::metadata(&path).unwrap().len())
        };
        // Slightly less than a byte per second.
        assert_eq!(length_after(Duration::ZERO), (Some(TICK), 0));
        let (pause, length) = length_after(Duration::from_secs(1818));
        assert_eq!(pause, Some(TICK));
        assert!(
            (1616..1632).contains(&length),
            "{length} bytes: not within a line"
        );
        assert_eq!(length_after(hour), (None, log.bytes));

        let whole = std::fs::read(&path).unwrap();
        assert!(Growth::begin(log, &path).is_err(), "it is written over");
        std::fs::remove_file(&path).unwrap();
        let lines: Vec<&[u8]> = whole.chunks(LINE).collect();
        assert!(lines.is_sorted() && lines.iter().all(|line| line.ends_with(b"\n")));
    }

    #[test]
    fn large_writes_are_split() {
        let path = std::env::temp_dir().join(format!("growth-at-once-{}", std::process::id()));
        let log = Log {
            bytes: 2 * PIECE + 32,
            over_ns: 0,
            seed: 1,
        };
        let mut growth = Growth::begin(log, &path).unwrap();
        let pauses = [(); 3].map(|()| growth.grow().unwrap());
        let length = std::fs::metadata(&path).unwrap().len();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(pauses, [Some(Duration::ZERO), Some(Duration::ZERO), None]);
        assert_eq!(length, log.bytes);
    }
}
