//! Threads and coroutines in one program: a blocking function called from a coroutine, a coroutine
//! called from a thread, and a wait that would never end.
//!
//! Item 62: `cargo run -p effective-bridge --example item_62`

use std::error::Error;
use std::fs;
use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use effective_bridge::{CallError, Offload, Portal};
use futures::executor::{LocalPool, ThreadPool, block_on};
use futures::future::try_join_all;
use futures::task::LocalSpawnExt as _;

fn main() -> Result<(), Box<dyn Error>> {
    run()
}

pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    from_the_top()?;
    from_the_bottom()?;
    waiting_for_oneself()
}

/// The top of the program is async already: what still blocks goes to threads.
fn from_the_top() -> Result<(), Box<dyn Error>> {
    let offload = Offload::builder()
        .max_threads(4)
        .name_prefix("read")
        .build()?;
    let lengths = block_on(async {
        let reads = (0..4).map(|_| offload.run(blocking_read));
        try_join_all(reads).await
    })?;
    let lengths: Vec<usize> = lengths.into_iter().collect::<io::Result<_>>()?;
    assert!(lengths.len() == 4 && lengths.iter().all(|length| *length > 0));
    println!(
        "a coroutine has read {} bytes on other threads",
        lengths.iter().sum::<usize>()
    );
    Ok(())
}

/// A function of the program from before the port.
fn blocking_read() -> io::Result<usize> {
    fs::read(std::env::current_exe()?).map(|bytes| bytes.len())
}

/// A leaf of the program is async already: threads call it.
fn from_the_bottom() -> Result<(), Box<dyn Error>> {
    let executor = ThreadPool::new()?;
    let portal = Portal::new(move |coroutine| executor.spawn_ok(coroutine));
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let portal = portal.clone();
            thread::spawn(move || portal.call(move || square(number)).wait())
        })
        .collect();
    let mut squares = Vec::new();
    for thread in threads {
        squares.push(thread.join().expect("no panic")?);
    }
    assert_eq!(squares, [0, 1, 4, 9]);
    println!("threads have got {squares:?} from coroutines");
    Ok(())
}

async fn square(number: u32) -> u32 {
    number * number
}

/// The failure without it: code of the old half waits for the new half, on the thread that has
/// to run it.
fn waiting_for_oneself() -> Result<(), Box<dyn Error>> {
    let mut executor = LocalPool::new();
    let spawner = executor.spawner();
    let late = executor.run_until(async {
        let (send, receive) = mpsc::channel();
        spawner.spawn_local(async move { _ = send.send(square(3).await) })?;
        // Without the timeout this would be the last thing that the program does.
        Ok::<_, Box<dyn Error>>(receive.recv_timeout(Duration::from_millis(50)))
    })?;
    assert_eq!(late, Err(mpsc::RecvTimeoutError::Timeout));
    println!("by hand: no answer, the loop's only thread was waiting for it");

    // The bridge knows the threads that must not wait.
    let pool = ThreadPool::new()?;
    let portal = Portal::new(move |coroutine| pool.spawn_ok(coroutine));
    let refused = block_on(async { portal.call(|| square(3)).wait() });
    assert!(matches!(refused, Err(CallError::WouldDeadlock(_))));
    println!("by the bridge: {}", refused.expect_err("as asserted"));
    Ok(())
}
