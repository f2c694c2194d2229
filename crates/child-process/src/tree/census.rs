//! Who is there: one reading of `/proc`.

use std::fs::{self, File};
use std::io::{self, Read as _};

use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

/// A process as `/proc/PID/stat` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: u32,
    pub(crate) parent: u32,
    pub(crate) group: u32,
    pub(crate) session: u32,
    /// When it started, in ticks since the machine did: with the number, its identity.
    pub(crate) start: u64,
    threads: u32,
    state: u8,
}

impl Entry {
    /// The process of this number, if there is one.
    pub(crate) fn read(id: u32) -> Option<Self> {
        Self::try_read(id).ok().flatten()
    }

    /// The same; an error if there is no descriptor to read it with.
    pub(super) fn try_read(id: u32) -> Result<Option<Self>, Errno> {
        let Some(mut entry) = Self::read_file(id, &format!("/proc/{id}/stat"))? else {
            return Ok(None);
        };
        // The state is that of the main thread. After `pthread_exit` in `main` that is a zombie
        // while the other threads run on.
        if entry.dead() && entry.threads > 1 {
            entry.state = state_of_other_threads(id).unwrap_or(entry.state);
        }
        Ok(Some(entry))
    }

    fn read_file(id: u32, path: &str) -> Result<Option<Self>, Errno> {
        let mut bytes = [0; 512];
        // One read: the kernel makes the line when it is asked. What is needed stands well within the first bytes.
        let length = File::open(path).and_then(|mut file| file.read(&mut bytes));
        match length {
            Ok(length) => Ok(Self::parse(id, &String::from_utf8_lossy(&bytes[..length]))),
            Err(error) if is_shortage(&error) => Err(Errno::MFILE),
            Err(_) => Ok(None),
        }
    }

    fn parse(id: u32, stat: &str) -> Option<Self> {
        // The name stands in parentheses and may hold anything, parentheses included.
        let (_, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().take(20).collect();
        Some(Self {
            id,
            state: *fields.first()?.as_bytes().first()?,
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            session: fields.get(3)?.parse().ok()?,
            threads: fields.get(17)?.parse().ok()?,
            start: fields.get(19)?.parse().ok()?,
        })
    }

    /// It has ended, whether or not somebody has noticed.
    pub(crate) fn dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }

    /// It stands still, and so starts nothing.
    pub(crate) fn stopped(&self) -> bool {
        matches!(self.state, b'T' | b't')
    }

    /// Identifies a process across readings.
    pub(crate) fn identity(&self) -> (u32, u64) {
        (self.id, self.start)
    }
}

/// The numbers of the threads of a process other than its main thread, which has ended.
pub(in crate::tree) fn other_threads(id: u32) -> impl Iterator<Item = u32> {
    fs::read_dir(format!("/proc/{id}/task"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(move |thread| *thread != id)
}

/// Stopped if all of the threads are, else the state of one that is not; `None` if all have ended.
fn state_of_other_threads(id: u32) -> Option<u8> {
    let mut stopped = None;
    for thread in other_threads(id) {
        let stat = format!("/proc/{id}/task/{thread}/stat");
        match Entry::read_file(thread, &stat).ok().flatten() {
            Some(entry) if entry.stopped() => stopped = Some(entry.state),
            Some(entry) if !entry.dead() => return Some(entry.state),
            _ => {}
        }
    }
    stopped
}

/// All processes, read at most once in each turn of a loop: a hundred children that end at the same time share a reading.
#[derive(Debug, Default)]
pub(crate) struct Census {
    taken: Option<Vec<Entry>>,
    /// Some could not be read.
    incomplete: bool,
}

impl Census {
    /// All processes as they are in this turn.
    pub(crate) fn entries(&mut self) -> &[Entry] {
        let incomplete = &mut self.incomplete;
        self.taken.get_or_insert_with(|| {
            let (entries, complete) = all();
            *incomplete = !complete;
            entries
        })
    }

    /// Whether the last reading left processes out, since there was no descriptor to read them with.
    pub(super) fn is_incomplete(&self) -> bool {
        self.incomplete
    }

    /// The next reading is a new one.
    pub(crate) fn forget(&mut self) {
        self.taken = None;
    }
}

/// All processes, and whether none was left out for want of a descriptor. Without `/proc` none is
/// found, and a tree is its process group.
fn all() -> (Vec<Entry>, bool) {
    let folder = match fs::read_dir("/proc") {
        Ok(folder) => folder,
        Err(error) => return (Vec::new(), !is_shortage(&error)),
    };
    let (mut entries, mut complete) = (Vec::new(), true);
    let numbers = folder
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    for id in numbers {
        match Entry::try_read(id) {
            Ok(entry) => entries.extend(entry),
            Err(_) => complete = false,
        }
    }
    (entries, complete)
}

fn is_shortage(error: &io::Error) -> bool {
    let shortages = [Errno::MFILE, Errno::NFILE, Errno::NOMEM];
    let raw = error.raw_os_error().map(Errno::from_raw_os_error);
    raw.is_some_and(|raw| shortages.contains(&raw))
}

/// Now, on the clock of the start times of processes: in hundredths of a second since the machine
/// started.
pub(crate) fn ticks_now() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    now.tv_sec.cast_unsigned() * 100 + now.tv_nsec.cast_unsigned() / 10_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let stat = "7 (a) b (c) S 3 5 6 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 2 0 4711 1 1";
        let entry = Entry::parse(7, stat).unwrap();
        assert_eq!(
            (entry.parent, entry.group, entry.session, entry.start),
            (3, 5, 6, 4711)
        );
        assert_eq!(entry.threads, 2);
        assert!(!entry.dead() && !entry.stopped());
        assert_eq!(Entry::parse(7, "7 (a"), None);
    }

    #[test]
    fn start_times_are_on_the_clock_that_tells_them() {
        let before = ticks_now();
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let start = Entry::read(child.id()).unwrap().start;
        child.kill().unwrap();
        child.wait().unwrap();
        assert!((before..=ticks_now()).contains(&start), "{before} {start}");
    }

    #[test]
    fn this_program_is_among_all_processes() {
        let mut census = Census::default();
        let id = std::process::id();
        assert!(census.entries().iter().any(|entry| entry.id == id));
    }
}
