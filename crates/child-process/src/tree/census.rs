//! Who is there: one reading of `/proc`.

use std::fs::{self, File};
use std::io::Read as _;

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
        let mut entry = Self::read_file(id, &format!("/proc/{id}/stat"))?;
        // The state is that of the main thread. After `pthread_exit` in `main` that is a zombie
        // while the other threads run on.
        if entry.dead() && entry.threads > 1 {
            entry.state = state_of_other_threads(id).unwrap_or(entry.state);
        }
        Some(entry)
    }

    fn read_file(id: u32, path: &str) -> Option<Self> {
        let mut bytes = [0; 512];
        // One read: the kernel makes the line when it is asked. What is needed stands well within the first bytes.
        let length = File::open(path).ok()?.read(&mut bytes).ok()?;
        Self::parse(id, &String::from_utf8_lossy(&bytes[..length]))
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
        match Entry::read_file(thread, &stat) {
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
}

impl Census {
    /// All processes as they are in this turn.
    pub(crate) fn entries(&mut self) -> &[Entry] {
        self.taken.get_or_insert_with(all)
    }

    /// The next reading is a new one.
    pub(crate) fn forget(&mut self) {
        self.taken = None;
    }
}

/// Without `/proc` nobody is found, and a tree is its process group.
fn all() -> Vec<Entry> {
    let Ok(folder) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    folder
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(Entry::read)
        .collect()
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
    fn this_program_is_among_all_processes() {
        let mut census = Census::default();
        let id = std::process::id();
        assert!(census.entries().iter().any(|entry| entry.id == id));
    }
}
