//! A test writer, both blocking and asynchronous, and the bytes to write.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures::io::AsyncWrite;

pub(crate) fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n * 7 % 251) as u8).collect()
}

/// A writer that takes few bytes at a time, fails at a given call, and lets the test see its bytes.
#[derive(Clone)]
pub(crate) struct Sink {
    pub(crate) bytes: Arc<Mutex<Vec<u8>>>,
    pub(crate) flushed: Arc<AtomicUsize>,
    calls: Arc<AtomicUsize>,
    fails_at: usize,
}

impl Sink {
    pub(crate) fn new(fails_at: usize) -> Self {
        Self {
            bytes: Arc::default(),
            flushed: Arc::default(),
            calls: Arc::default(),
            fails_at,
        }
    }

    fn put(&self, buf: &[u8]) -> io::Result<usize> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        if call == self.fails_at {
            return Err(io::Error::other("planned failure"));
        }
        let length = buf.len().min(1 + call * 131 % 1_200);
        self.bytes.lock().unwrap().extend_from_slice(&buf[..length]);
        Ok(length)
    }

    pub(crate) fn written(&self) -> Vec<u8> {
        self.bytes.lock().unwrap().clone()
    }
}

impl Write for Sink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.calls.load(Ordering::SeqCst) % 4 == 1 {
            self.calls.fetch_add(1, Ordering::SeqCst);
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.put(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushed.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

impl AsyncWrite for Sink {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.calls.load(Ordering::SeqCst) % 4 == 1 {
            self.calls.fetch_add(1, Ordering::SeqCst);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.put(buf))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flushed.fetch_add(1, Ordering::SeqCst);
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}
