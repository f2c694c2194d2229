//! Awaits that are dropped at any poll.

mod support;

use std::io::{self, Cursor, Read};
use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use effective_bridge::Offload;
use futures::executor::block_on;
use futures::io::{AsyncReadExt, AsyncWriteExt};
use futures::stream::StreamExt;

use support::sink::{Sink, bytes};
use support::{Counter, eventually, one_thread_and_room, poll_times, within_deadline};

fn places(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

#[test]
fn await_dropped_at_any_poll_loses_nothing() {
    /// A reader that sleeps before each read, in microseconds.
    struct Slow(usize, Cursor<Vec<u8>>);
    impl Read for Slow {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            thread::sleep(Duration::from_micros(self.0 as u64));
            let most = buf.len().min(700);
            self.1.read(&mut buf[..most])
        }
    }
    within_deadline(|| {
        let offload = Offload::builder().max_threads(2).build().unwrap();
        let patience = Duration::from_secs(30);
        for n in 1..=6 {
            // A stream: `next` is dropped after its first, second, … n-th poll in turn.
            let items = (0..60).inspect(|_| thread::sleep(Duration::from_micros(30)));
            let mut items = offload.stream(places(3), items);
            let mut got = Vec::new();
            let mut polls = 1;
            while got.len() < 60 {
                let mut next = Box::pin(items.next());
                if let Some(item) = poll_times(next.as_mut(), polls, Duration::ZERO) {
                    got.push(item.unwrap().unwrap());
                }
                polls = polls % n + 1;
            }
            assert_eq!(got, (0..60).collect::<Vec<_>>());
            // A reader.
            let expected = bytes(20_000);
            let mut reader = offload.async_reader(Slow(20, Cursor::new(expected.clone())));
            let mut got = Vec::new();
            let mut buf = [0; 512];
            while got.len() < expected.len() {
                let mut read = Box::pin(reader.read(&mut buf));
                let read = poll_times(read.as_mut(), polls, Duration::ZERO);
                if let Some(length) = read {
                    got.extend_from_slice(&buf[..length.unwrap()]);
                }
                polls = polls % n + 1;
            }
            assert_eq!(got, expected);
            // A writer: a dropped write has accepted nothing.
            let sink = Sink::new(0);
            let mut writer = offload.async_writer(sink.clone());
            let mut rest = &expected[..];
            while !rest.is_empty() {
                let mut write = Box::pin(writer.write(rest));
                if let Some(length) = poll_times(write.as_mut(), polls, Duration::ZERO) {
                    rest = &rest[length.unwrap()..];
                }
                polls = polls % n + 1;
            }
            for polls in 1..=n {
                let mut flush = Box::pin(writer.flush());
                let _ = poll_times(flush.as_mut(), polls, Duration::ZERO);
            }
            let mut close = Box::pin(writer.close());
            poll_times(close.as_mut(), 1_000, patience)
                .unwrap()
                .unwrap();
            assert_eq!(sink.written(), expected);
        }
    });
}

#[test]
fn job_dropped_at_any_poll_drops_its_captures_once() {
    within_deadline(|| {
        let offload = one_thread_and_room(2);
        let (dropped, ran) = (Counter::default(), Counter::default());
        for n in 0..200 {
            let (held, inside) = (dropped.on_drop(), ran.clone());
            let mut call = Box::pin(offload.run(move || {
                inside.add();
                held
            }));
            poll_times(call.as_mut(), n % 4, Duration::from_micros(n as u64));
            drop(call);
            eventually(|| dropped.get() == n + 1);
        }
        let settled = ran.get();
        block_on(offload.run(|| ())).unwrap();
        assert_eq!(ran.get(), settled);
        assert!(settled <= 150, "every fourth job was never polled");
    });
}
