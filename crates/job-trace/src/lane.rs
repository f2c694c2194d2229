//! The tasks of one thread that are not yet in the file.

use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::lines::Lines;
use crate::record::Record;
use crate::sink::Sink;

/// The tasks that a thread keeps until it writes them. Enough that the lock on the file is rare.
const BATCH: usize = 256;

/// A buffer of one thread, and its counts. The lock is contended only when the recording ends.
#[derive(Debug)]
pub(crate) struct Lane {
    /// The number of the thread in the trace.
    thread: u32,
    /// Tasks begun on this thread.
    pub(crate) started: AtomicU64,
    /// Tasks begun inside another one.
    pub(crate) nested: AtomicU64,
    buffer: Mutex<Buffer>,
}

#[derive(Debug, Default)]
struct Buffer {
    records: Vec<Record>,
    lines: Lines,
    is_closed: bool,
}

impl Lane {
    pub(crate) fn new(thread: u32, is_closed: bool) -> Lane {
        Lane {
            thread,
            started: AtomicU64::new(0),
            nested: AtomicU64::new(0),
            buffer: Mutex::new(Buffer {
                is_closed,
                ..Buffer::default()
            }),
        }
    }

    pub(crate) fn push(&self, record: Record, sink: &Sink) {
        let mut buffer = self.buffer();
        if buffer.is_closed {
            return;
        }
        buffer.records.push(record);
        if buffer.records.len() >= BATCH {
            buffer.write(self.thread, sink);
        }
    }

    /// Writes what is left, and takes no more.
    pub(crate) fn close(&self, sink: &Sink) {
        let mut buffer = self.buffer();
        if !buffer.is_closed {
            buffer.write(self.thread, sink);
            buffer.is_closed = true;
        }
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buffer {
    fn write(&mut self, thread: u32, sink: &Sink) {
        self.lines.clear();
        for record in self.records.drain(..) {
            self.lines.push(&record, thread);
        }
        sink.write(&self.lines);
    }
}
