//! An idle bridge uses no CPU time. In a test program of its own, since the clock is the process's.
#![cfg(target_os = "linux")]

mod support;

use std::future::pending;
use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use effective_bridge::{Offload, Portal};
use futures::executor::block_on;
use futures::future::join_all;
use support::cpu_time;

#[test]
fn idle_bridge_uses_no_cpu() {
    let offload = Offload::builder().max_threads(8).build().unwrap();
    let short = Offload::builder().idle_timeout(Duration::from_millis(5));
    let short = short.build().unwrap();
    for offload in [&offload, &short] {
        block_on(join_all((0..1_000).map(|n| offload.run(move || n))));
        for n in 0..100 {
            assert_eq!(block_on(offload.run(move || n)).unwrap(), n);
        }
        let timed = offload.run_timeout(|| (), Duration::from_secs(60));
        block_on(timed).unwrap();
    }
    // A running job, and one with a timeout that another thread awaits.
    let (gate, busy) = support::occupy(&offload);
    let limited = thread::spawn({
        let offload = offload.clone();
        move || {
            let (_gate, _busy) = support::occupy(&offload);
            let wait = offload.run_timeout(
                || thread::sleep(Duration::from_secs(3)),
                Duration::from_secs(3_600),
            );
            block_on(wait).unwrap();
            _gate.open();
        }
    });
    let (sender, receiver) = std::sync::mpsc::channel();
    let loops = thread::spawn(move || {
        let (portal, portal_loop) = Portal::local();
        sender.send(portal).unwrap();
        block_on(portal_loop);
    });
    let own = receiver.recv().unwrap();
    for n in 0..1_000 {
        assert_eq!(own.call(move || async move { n }).wait().unwrap(), n);
    }
    let portal = support::portal();
    let waits = thread::spawn({
        let portal = portal.clone();
        move || {
            let mut call = portal.call(pending::<()>);
            call.wait_timeout(Duration::from_secs(3)).unwrap_err();
        }
    });
    let full = portal.iter(NonZeroUsize::MIN, || futures::stream::repeat(1));
    thread::sleep(Duration::from_millis(200));
    let before = cpu_time();
    thread::sleep(Duration::from_secs(2));
    let used = cpu_time().saturating_sub(before);
    // One spinning thread would use two seconds.
    assert!(used < Duration::from_millis(20), "{used:?}");
    assert_eq!(short.threads(), 0);
    gate.open();
    block_on(busy).unwrap();
    limited.join().unwrap();
    waits.join().unwrap();
    drop((full, own));
    loops.join().unwrap();
}
