//! Calls from a coroutine to blocking code.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use effective_bridge::Offload;
use futures::channel::oneshot;
use futures::future::LocalBoxFuture;
use tokio::runtime::{self, Runtime};
use workload_rivals::{Contest, Settings};

use crate::trips::{COLD, HOT, Kind, from_coroutine, job};

/// Runs a coroutine to completion on one runtime.
type BlockOn<'a> = &'a dyn Fn(LocalBoxFuture<'_, Duration>) -> Duration;

pub(crate) fn contests(settings: &Settings) {
    let current = runtime::Builder::new_current_thread().build();
    let current = current.expect("a runtime can be made");
    let multi = runtime::Builder::new_multi_thread()
        .worker_threads(num_cpus::get())
        .build()
        .expect("threads can be started");
    let places: [(_, BlockOn<'_>, _); 3] = [
        (
            "a current-thread tokio",
            &|f| current.block_on(f),
            Some(&current),
        ),
        ("a multi-thread tokio", &|f| multi.block_on(f), Some(&multi)),
        ("async-std", &|f| async_std::task::block_on(f), None),
    ];
    for kind in [HOT, COLD] {
        for (place, block_on, tokio) in places {
            on(kind, place, block_on, tokio, settings);
        }
    }
}

fn on(
    kind: Kind,
    place: &str,
    block_on: BlockOn<'_>,
    tokio: Option<&Runtime>,
    settings: &Settings,
) {
    let title = format!("a coroutine on {place} to blocking code, {}", kind.name);
    let offload = Offload::new();
    let bare = Bare::start();
    let spawn_blocking = match tokio {
        Some(_) => "tokio spawn_blocking",
        None => "async-std spawn_blocking",
    };
    let reach = if kind.name == HOT.name { 0.3 } else { 1.2 };
    let rayon = rayon::ThreadPoolBuilder::new()
        .num_threads(num_cpus::get())
        .build()
        .expect("threads can be started");
    Contest::new(title, "trip", kind.trips)
        .ours("offload.run", || {
            block_on(Box::pin(from_coroutine(kind, async |n| {
                offload.run(move || job(n)).await.expect("no panic")
            })))
        })
        .rival(spawn_blocking, || {
            block_on(Box::pin(from_coroutine(kind, async |n| match tokio {
                Some(tokio) => tokio
                    .spawn_blocking(move || job(n))
                    .await
                    .expect("no panic"),
                None => async_std::task::spawn_blocking(move || job(n)).await,
            })))
        })
        .rival("smol's unblock", || {
            block_on(Box::pin(from_coroutine(kind, async |n| {
                blocking::unblock(move || job(n)).await
            })))
        })
        .rival("rayon spawn + oneshot", || {
            block_on(Box::pin(from_coroutine(kind, async |n| {
                let (sender, receiver) = oneshot::channel();
                rayon.spawn(move || sender.send(job(n)).expect("awaited"));
                receiver.await.expect("no panic")
            })))
        })
        .limit("one bare thread + oneshot", || {
            block_on(Box::pin(from_coroutine(kind, async |n| {
                bare.ask(n).await.expect("no panic")
            })))
        })
        .reach(reach, spawn_blocking)
        .run(settings);
}

/// A thread with a channel: no pool, limit, panic handling or cancellation.
struct Bare(mpsc::Sender<(u64, oneshot::Sender<u64>)>);

impl Bare {
    /// The thread exits when the sender is dropped.
    fn start() -> Self {
        let (sender, receiver) = mpsc::channel::<(u64, oneshot::Sender<u64>)>();
        thread::spawn(move || {
            for (n, answer) in receiver {
                answer.send(job(n)).expect("awaited");
            }
        });
        Self(sender)
    }

    fn ask(&self, n: u64) -> oneshot::Receiver<u64> {
        let (sender, receiver) = oneshot::channel();
        self.0.send((n, sender)).expect("the thread lives");
        receiver
    }
}
