//! Calls from a thread to a coroutine.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use effective_bridge::{LocalPortal, Portal};
use futures::executor::block_on;
use tokio::runtime::{self, Handle};
use tokio::sync::oneshot;
use workload_rivals::{Contest, Settings};

use crate::trips::{COLD, HOT, Kind, from_thread, job};

pub(crate) fn contests(settings: &Settings) {
    let current = Loop::start();
    let multi = runtime::Builder::new_multi_thread()
        .worker_threads(num_cpus::get())
        .build()
        .expect("threads can be started");
    for kind in [HOT, COLD] {
        on_tokio(
            kind,
            "a current-thread tokio",
            &current.runtime,
            Some(&current.portal),
            settings,
        );
        on_tokio(kind, "a multi-thread tokio", multi.handle(), None, settings);
        on_async_std(kind, settings);
    }
}

fn on_tokio(
    kind: Kind,
    place: &str,
    runtime: &Handle,
    local: Option<&LocalPortal>,
    settings: &Settings,
) {
    let title = format!("a thread to a coroutine on {place}, {}", kind.name);
    let portal = Portal::tokio(runtime);
    let mut contest = Contest::new(title, "trip", kind.trips)
        .ours("portal.call, wait", || {
            from_thread(kind, |n| {
                let call = portal.call(move || async move { job(n) });
                call.wait().expect("no panic")
            })
        })
        .rival("tokio spawn + a channel", || {
            from_thread(kind, |n| {
                let (sender, receiver) = mpsc::sync_channel(1);
                runtime.spawn(async move { sender.send(job(n)).expect("awaited") });
                receiver.recv().expect("no panic")
            })
        })
        .rival("tokio spawn + tokio's oneshot", || {
            from_thread(kind, |n| {
                let (sender, receiver) = oneshot::channel();
                runtime.spawn(async move { sender.send(job(n)).expect("awaited") });
                receiver.blocking_recv().expect("no panic")
            })
        })
        .rival("tokio spawn, block_on of its handle", || {
            from_thread(kind, |n| {
                let task = runtime.spawn(async move { job(n) });
                block_on(task).expect("no panic")
            })
        });
    if let Some(local) = local {
        let name = "a portal of its own loop";
        contest = contest
            .ours(name, move || {
                from_thread(kind, |n| {
                    let call = local.call(move || async move { job(n) });
                    call.wait().expect("no panic")
                })
            })
            .reach_with(name, 1.1, "tokio spawn + a channel");
    }
    contest.reach_best_rival(1.1).run(settings);
}

fn on_async_std(kind: Kind, settings: &Settings) {
    let title = format!("a thread to a coroutine on async-std, {}", kind.name);
    let portal = Portal::async_std();
    Contest::new(title, "trip", kind.trips)
        .ours("portal.call, wait", || {
            from_thread(kind, |n| {
                let call = portal.call(move || async move { job(n) });
                call.wait().expect("no panic")
            })
        })
        .rival("async-std spawn + a channel", || {
            from_thread(kind, |n| {
                let (sender, receiver) = mpsc::sync_channel(1);
                async_std::task::spawn(async move { sender.send(job(n)).expect("awaited") });
                receiver.recv().expect("no panic")
            })
        })
        .reach_best_rival(1.1)
        .run(settings);
}

/// A current-thread runtime on a thread of its own that drives a portal's loop.
struct Loop {
    runtime: Handle,
    portal: LocalPortal,
    /// Runs until the program exits.
    _thread: JoinHandle<()>,
}

impl Loop {
    fn start() -> Self {
        let runtime = runtime::Builder::new_current_thread().build();
        let runtime = runtime.expect("a runtime can be made");
        let handle = runtime.handle().clone();
        let (send, receive) = mpsc::channel();
        let thread = thread::spawn(move || {
            let (portal, portal_loop) = Portal::local();
            send.send(portal).expect("awaited");
            runtime.block_on(portal_loop);
        });
        let portal = receive.recv().expect("the thread makes one");
        Self {
            runtime: handle,
            portal,
            _thread: thread,
        }
    }
}
