//! Blocking and asynchronous readers and writers.

mod support;

use std::io::{self, Cursor, Read, Write};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use effective_bridge::Offload;
use futures::executor::block_on;
use futures::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use futures::stream::{self, TryStreamExt as _};

use support::sink::{Sink, bytes};
use support::{eventually, one_thread_and_room, portal, quiet_panics, within_deadline};

/// A reader that gives a few bytes at a time, is interrupted, and fails at a given call.
struct Choppy {
    inner: Cursor<Vec<u8>>,
    calls: usize,
    fails_at: Option<usize>,
}

impl Choppy {
    fn new(bytes: Vec<u8>) -> Self {
        Self {
            inner: Cursor::new(bytes),
            calls: 0,
            fails_at: None,
        }
    }

    fn step(&mut self) -> io::Result<usize> {
        self.calls += 1;
        if self.fails_at == Some(self.calls) {
            return Err(io::Error::other("planned failure"));
        }
        if self.calls % 3 == 1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(1 + self.calls * 97 % 1_500)
    }
}

impl Read for Choppy {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = self.step()?.min(buf.len());
        self.inner.read(&mut buf[..most])
    }
}

#[test]
fn async_reader_reads_all_bytes() {
    within_deadline(|| {
        let offload = Offload::new();
        let expected = bytes(100_000);
        let mut reader = offload.async_reader(Choppy::new(expected.clone()));
        let mut got = Vec::new();
        block_on(reader.read_to_end(&mut got)).unwrap();
        assert_eq!(got, expected);
        // It stays at the end, and returns its reader.
        let mut byte = [0];
        assert_eq!(block_on(reader.read(&mut byte)).unwrap(), 0);
        let (inner, rest) = reader.into_inner().unwrap();
        assert_eq!((inner.inner.position(), rest.len()), (100_000, 0));
    });
}

#[test]
fn async_reader_passes_on_errors_and_panics() {
    quiet_panics();
    struct Panics;
    impl Read for Panics {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("meant");
        }
    }
    within_deadline(|| {
        let offload = Offload::new();
        let mut choppy = Choppy::new(bytes(10_000));
        choppy.fails_at = Some(5);
        let mut reader = offload.async_reader(choppy);
        let mut got = Vec::new();
        let error = block_on(reader.read_to_end(&mut got)).unwrap_err();
        assert_eq!(error.to_string(), "planned failure");
        // The next read continues there.
        block_on(reader.read_to_end(&mut got)).unwrap();
        assert_eq!(got, bytes(10_000));
        let mut reader = offload.async_reader(Panics);
        let error = block_on(reader.read_to_end(&mut got)).unwrap_err();
        assert!(error.to_string().contains("meant"), "{error}");
        let error = block_on(reader.read_to_end(&mut got)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    });
}

#[test]
fn async_writer_writes_all_bytes_in_order() {
    within_deadline(|| {
        let offload = Offload::new();
        let (sink, expected) = (Sink::new(0), bytes(100_000));
        let mut writer = offload.async_writer(sink.clone());
        block_on(async {
            for chunk in expected.chunks(777) {
                writer.write_all(chunk).await.unwrap();
            }
            writer.flush().await.unwrap();
            assert_eq!(sink.written(), expected);
            assert!(sink.flushed.load(Ordering::SeqCst) > 0);
            writer.close().await.unwrap();
            let late = writer.write(b"x").await.unwrap_err();
            assert_eq!(late.kind(), io::ErrorKind::BrokenPipe);
        });
    });
}

#[test]
fn async_writer_retries_unwritten_bytes_after_error() {
    within_deadline(|| {
        let offload = Offload::new();
        let (sink, expected) = (Sink::new(9), bytes(50_000));
        let mut writer = offload.async_writer(sink.clone());
        let mut errors = 0;
        block_on(async {
            let mut rest = &expected[..];
            while !rest.is_empty() {
                match writer.write(rest).await {
                    Ok(length) => rest = &rest[length..],
                    Err(_) => errors += 1,
                }
            }
            while writer.close().await.is_err() {
                errors += 1;
            }
        });
        assert_eq!(errors, 1);
        assert_eq!(sink.written(), expected);
    });
}

#[test]
fn dropped_writer_writes_accepted_bytes() {
    within_deadline(|| {
        let (offload, portal) = (Offload::new(), portal());
        for length in [10, 16 * 1024, 20_000] {
            let expected = bytes(length);
            let sink = Sink::new(0);
            let mut writer = offload.async_writer(sink.clone());
            block_on(writer.write_all(&expected)).unwrap();
            drop(writer);
            eventually(|| sink.written() == expected);
            let sink = Sink::new(0);
            let mut writer = portal.blocking_writer(sink.clone());
            writer.write_all(&expected).unwrap();
            drop(writer);
            eventually(|| sink.written() == expected);
        }
    });
}

#[test]
fn blocking_reader_reads_all_bytes() {
    within_deadline(|| {
        let portal = portal();
        let expected = bytes(100_000);
        let parts = expected
            .chunks(999)
            .map(|part| Ok::<_, io::Error>(part.to_vec()));
        let parts: Vec<_> = parts.collect();
        let mut reader = portal.blocking_reader(stream::iter(parts).into_async_read());
        let mut got = Vec::new();
        reader.read_to_end(&mut got).unwrap();
        assert_eq!(got, expected);
    });
}

#[test]
fn timed_out_read_loses_nothing() {
    within_deadline(|| {
        let portal = portal();
        let (send, receive) = futures::channel::mpsc::unbounded::<io::Result<Vec<u8>>>();
        let mut reader = portal.blocking_reader(receive.into_async_read());
        reader.set_timeout(Some(Duration::from_millis(3)));
        let mut buf = [0; 8];
        let error = reader.read(&mut buf).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        send.unbounded_send(Ok(b"to be".to_vec())).unwrap();
        reader.set_timeout(Some(Duration::from_secs(60)));
        assert_eq!(reader.read(&mut buf).unwrap(), 5);
        assert_eq!(&buf[..5], b"to be");
        // A read that is refused because it could deadlock loses nothing either.
        send.unbounded_send(Ok(b"or not".to_vec())).unwrap();
        match block_on(async { reader.read(&mut buf) }) {
            Ok(6) => {}
            Ok(other) => panic!("{other}"),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::Deadlock);
                assert_eq!(reader.read(&mut buf).unwrap(), 6);
            }
        }
        assert_eq!(&buf[..6], b"or not");
    });
}

#[test]
fn blocking_writer_writes_all_bytes_in_order() {
    within_deadline(|| {
        let portal = portal();
        let (sink, expected) = (Sink::new(9), bytes(100_000));
        let mut writer = portal.blocking_writer(sink.clone());
        let (mut rest, mut errors) = (&expected[..], 0);
        while !rest.is_empty() {
            match writer.write(rest) {
                Ok(length) => rest = &rest[length..],
                Err(_) => errors += 1,
            }
        }
        writer.flush().unwrap();
        assert_eq!((sink.written(), errors), (expected, 1));
        writer.close().unwrap();
        assert!(writer.write(b"x").is_err());
    });
}

#[test]
fn reader_fails_after_its_runtime_is_gone() {
    let portal = effective_bridge::Portal::new(drop);
    let mut reader = portal.blocking_reader(futures::io::empty());
    let error = reader.read(&mut [0]).unwrap_err();
    assert!(error.to_string().contains("runtime was dropped"), "{error}");
    let error = reader.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn blocking_reader_wakes_its_thread() {
    /// Ready when the other side has sent a byte.
    struct Pipe(mpsc::Receiver<u8>, Arc<Mutex<Option<std::task::Waker>>>);
    impl AsyncRead for Pipe {
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            *self.1.lock().unwrap() = Some(cx.waker().clone());
            match self.0.try_recv() {
                Ok(byte) => {
                    buf[0] = byte;
                    Poll::Ready(Ok(1))
                }
                Err(mpsc::TryRecvError::Empty) => Poll::Pending,
                Err(mpsc::TryRecvError::Disconnected) => Poll::Ready(Ok(0)),
            }
        }
    }
    within_deadline(|| {
        let (send, receive) = mpsc::channel();
        let waker = Arc::new(Mutex::new(None::<std::task::Waker>));
        let mut reader = portal().blocking_reader(Pipe(receive, Arc::clone(&waker)));
        let feeder = thread::spawn(move || {
            for byte in b"to be" {
                thread::sleep(Duration::from_millis(2));
                send.send(*byte).unwrap();
                if let Some(waker) = waker.lock().unwrap().take() {
                    waker.wake();
                }
            }
            drop(send);
            if let Some(waker) = waker.lock().unwrap().take() {
                waker.wake();
            }
        });
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "to be");
        feeder.join().unwrap();
    });
}

#[test]
fn dropped_writer_writes_despite_full_closed_offload() {
    within_deadline(|| {
        let offload = one_thread_and_room(1);
        let (gate, job) = support::occupy(&offload);
        let pending = offload.try_run(|| 1).unwrap();
        let sinks = [Sink::new(0), Sink::new(0)];
        for sink in &sinks {
            let mut writer = offload.async_writer(sink.clone());
            block_on(writer.write_all(b"to be")).unwrap();
            drop(writer);
        }
        offload.close();
        drop(offload);
        gate.open();
        block_on(job).unwrap();
        assert_eq!(block_on(pending).unwrap(), 1);
        for sink in sinks {
            eventually(|| sink.written() == b"to be");
        }
    });
}

#[test]
fn writer_dropped_while_writing_is_flushed() {
    within_deadline(|| {
        // A full buffer, so that writing begins without a flush.
        let expected = bytes(16 * 1024);
        for fails_at in [usize::MAX, 5] {
            for pause in [0, 20] {
                let offload = Offload::new();
                let sink = Sink::new(fails_at);
                let mut writer = offload.async_writer(sink.clone());
                block_on(writer.write_all(&expected)).unwrap();
                thread::sleep(Duration::from_millis(pause));
                drop(writer);
                // Also after the last handle of the offload is dropped.
                drop(offload);
                eventually(|| sink.flushed.load(Ordering::SeqCst) > 0);
                assert_eq!(
                    sink.written(),
                    expected,
                    "asynchronous, {fails_at}, {pause}"
                );

                let sink = Sink::new(fails_at);
                let mut writer = portal().blocking_writer(sink.clone());
                writer.write_all(&expected).unwrap();
                thread::sleep(Duration::from_millis(pause));
                drop(writer);
                eventually(|| sink.flushed.load(Ordering::SeqCst) > 0);
                assert_eq!(sink.written(), expected, "blocking, {fails_at}, {pause}");
            }
        }
    });
}
