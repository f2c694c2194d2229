//! A scan of all processes in `/proc`.

use std::fs::{self, File};
use std::io::{self, Read as _};

use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

/// A process as described by `/proc/PID/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProcEntry {
    pub(crate) id: u32,
    pub(crate) parent: u32,
    pub(crate) group: u32,
    pub(crate) session: u32,
    /// When it started, in ticks since boot. With the id, this identifies the process.
    pub(crate) start: u64,
    threads: u32,
    state: u8,
}

impl ProcEntry {
    /// Reads the process with this id, if there is one.
    pub(crate) fn read(id: u32) -> Option<Self> {
        Self::try_read(id).ok().flatten()
    }

    /// Like [`read`](Self::read); an error if no descriptor is available to read it.
    pub(super) fn try_read(id: u32) -> Result<Option<Self>, Errno> {
        let Some(mut entry) = Self::read_file(id, &format!("/proc/{id}/stat"))? else {
            return Ok(None);
        };
        // This is the state of the main thread. After `pthread_exit` in `main` that is a zombie
        // while the other threads run on.
        if entry.dead() && entry.threads > 1 {
            entry.state = state_of_other_threads(id).unwrap_or(entry.state);
        }
        Ok(Some(entry))
    }

    fn read_file(id: u32, path: &str) -> Result<Option<Self>, Errno> {
        let mut bytes = [0; 512];
        // One read returns a consistent line, and the buffer is long enough for the fields needed.
        let length = File::open(path).and_then(|mut file| file.read(&mut bytes));
        match length {
            Ok(length) => Ok(Self::parse(id, &String::from_utf8_lossy(&bytes[..length]))),
            Err(error) if is_shortage(&error) => Err(Errno::MFILE),
            Err(_) => Ok(None),
        }
    }

    fn parse(id: u32, stat: &str) -> Option<Self> {
        // The name is in parentheses and may contain any character, parentheses included.
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

    /// Whether it has ended, reaped or not.
    pub(crate) fn dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }

    /// Whether it is stopped, so that it cannot fork.
    pub(crate) fn stopped(&self) -> bool {
        matches!(self.state, b'T' | b't')
    }

    /// Identifies the process across scans.
    pub(crate) fn identity(&self) -> (u32, u64) {
        (self.id, self.start)
    }
}

/// The ids of the threads of a process other than its main thread.
pub(in crate::tree) fn other_threads(id: u32) -> impl Iterator<Item = u32> {
    fs::read_dir(format!("/proc/{id}/task"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(move |thread| *thread != id)
}

/// The state of a thread that is neither stopped nor dead, else of a stopped one; `None` if all are
/// dead.
fn state_of_other_threads(id: u32) -> Option<u8> {
    let mut stopped = None;
    for thread in other_threads(id) {
        let stat = format!("/proc/{id}/task/{thread}/stat");
        match ProcEntry::read_file(thread, &stat).ok().flatten() {
            Some(entry) if entry.stopped() => stopped = Some(entry.state),
            Some(entry) if !entry.dead() => return Some(entry.state),
            _ => {}
        }
    }
    stopped
}

/// All processes, read at most once per turn of the event loop, so that children that end at the
/// same time share a scan.
#[derive(Debug, Default)]
pub(crate) struct ProcScan {
    entries: Option<Vec<ProcEntry>>,
    /// Some processes could not be read.
    incomplete: bool,
}

impl ProcScan {
    /// All processes, as of the first call in this turn.
    pub(crate) fn entries(&mut self) -> &[ProcEntry] {
        let incomplete = &mut self.incomplete;
        self.entries.get_or_insert_with(|| {
            let (entries, complete) = read_all();
            *incomplete = !complete;
            entries
        })
    }

    /// Whether the last scan missed processes because no descriptor was available to read them.
    pub(super) fn is_incomplete(&self) -> bool {
        self.incomplete
    }

    /// Makes the next call of [`entries`](Self::entries) scan again.
    pub(crate) fn invalidate(&mut self) {
        self.entries = None;
    }
}

/// Reads all processes. The flag is false if some were missed for lack of a descriptor. Without
/// `/proc` none is found, and a tree is reduced to its process group.
fn read_all() -> (Vec<ProcEntry>, bool) {
    let folder = match fs::read_dir("/proc") {
        Ok(folder) => folder,
        Err(error) => return (Vec::new(), !is_shortage(&error)),
    };
    let (mut entries, mut complete) = (Vec::new(), true);
    let ids = folder
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    for id in ids {
        match ProcEntry::try_read(id) {
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

/// The current time on the clock of process start times: in hundredths of a second since boot.
pub(crate) fn ticks_now() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    now.tv_sec.cast_unsigned() * 100 + now.tv_nsec.cast_unsigned() / 10_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_accepts_name_with_parentheses_and_spaces() {
        let stat = "7 (a) b (c) S 3 5 6 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 2 0 4711 1 1";
        let entry = ProcEntry::parse(7, stat).unwrap();
        assert_eq!(
            (entry.parent, entry.group, entry.session, entry.start),
            (3, 5, 6, 4711)
        );
        assert_eq!(entry.threads, 2);
        assert!(!entry.dead() && !entry.stopped());
        assert_eq!(ProcEntry::parse(7, "7 (a"), None);
    }

    #[test]
    fn ticks_now_uses_the_clock_of_start_times() {
        let before = ticks_now();
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let start = ProcEntry::read(child.id()).unwrap().start;
        child.kill().unwrap();
        child.wait().unwrap();
        assert!((before..=ticks_now()).contains(&start), "{before} {start}");
    }

    #[test]
    fn scan_finds_this_process() {
        let mut scan = ProcScan::default();
        let id = std::process::id();
        assert!(scan.entries().iter().any(|entry| entry.id == id));
    }
}
