//! The identity of a thread in reports.

use std::fmt;
use std::thread::{self, ThreadId};

/// A thread, as reports name it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Thread {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Its id in the standard library.
    pub id: ThreadId,
    /// Its kernel id, as `top -H`, `gdb` and `perf` show it. Only on Linux.
    pub os_id: Option<u32>,
}

impl Thread {
    pub(crate) fn current() -> Self {
        let current = thread::current();
        Self {
            name: current.name().map(str::to_owned),
            id: current.id(),
            os_id: os_id(),
        }
    }
}

impl fmt::Display for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "thread `{name}`")?,
            None => write!(f, "unnamed {:?}", self.id)?,
        }
        match self.os_id {
            Some(id) => write!(f, " (tid {id})"),
            None => Ok(()),
        }
    }
}

/// Reads the kernel id from `/proc`, which needs no unsafe code. Called once per thread.
#[cfg(target_os = "linux")]
fn os_id() -> Option<u32> {
    let link = std::fs::read_link("/proc/thread-self").ok()?;
    link.file_name()?.to_str()?.parse().ok()
}

#[cfg(not(target_os = "linux"))]
fn os_id() -> Option<u32> {
    None
}
