//! A threaded program with one asynchronous part: a loop on a thread of its own, which the other
//! threads call.
//!
//! `cargo run -p effective-bridge --example portal`

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use effective_bridge::{CallError, LocalPortal, Portal};
use futures::executor::block_on;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (send, receive) = mpsc::channel();
    let asynchronous = thread::spawn(move || {
        // The loop and its coroutines stay on this thread; the portal can be sent and cloned.
        let (portal, portal_loop) = Portal::local();
        send.send(portal).expect("main waits for it");
        block_on(portal_loop);
    });
    let portal: LocalPortal = receive.recv()?;

    let workers: Vec<_> = (0..4_u64)
        .map(|number| {
            let portal = portal.clone();
            thread::spawn(move || -> Result<usize, CallError> {
                let mut total = 0;
                for _ in 0..100 {
                    // Runs on the loop's thread, on state that is not `Send`; this thread waits.
                    total += portal.call(move || async move { count(number) }).wait()?;
                }
                Ok(total)
            })
        })
        .collect();
    for worker in workers {
        println!("counted up to {}", worker.join().expect("no panic")?);
    }

    // A wait with a timeout. Dropping the call cancels the coroutine.
    let mut endless = portal.call(std::future::pending::<()>);
    let late = endless.wait_timeout(Duration::from_millis(10));
    println!("{}", late.expect_err("it never ends"));
    drop(endless);

    // The loop completes after its last portal is dropped.
    drop(portal);
    asynchronous.join().expect("no panic");
    Ok(())
}

thread_local! {
    static SEEN: Rc<RefCell<HashMap<u64, usize>>> = Rc::default();
}

fn count(number: u64) -> usize {
    SEEN.with(|seen| {
        let mut seen = seen.borrow_mut();
        let times = seen.entry(number).or_default();
        *times += 1;
        *times
    })
}
