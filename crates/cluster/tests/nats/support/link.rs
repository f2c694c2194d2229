//! A link between a caller and its server that can be held up, and slow.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// The rate of a link without a limit.
const UNLIMITED: u64 = u64::MAX;

/// Forwards connections to a port of this machine. Its threads end with the process.
pub(crate) struct Link {
    pub(crate) port: u16,
    /// Bytes that pass in a second, in each direction.
    rate: Arc<AtomicU64>,
}

impl Link {
    pub(crate) fn to(target: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let rate = Arc::new(AtomicU64::new(UNLIMITED));
        let limit = Arc::clone(&rate);
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                if let Ok(far) = TcpStream::connect(("127.0.0.1", target)) {
                    let _ = forward(&near, &far, &limit);
                }
            }
        });
        Self { port, rate }
    }

    /// Lets `rate` bytes pass in a second. 0 holds all up, and no end notices.
    pub(crate) fn set_rate(&self, rate: u64) {
        self.rate.store(rate, Ordering::Relaxed);
    }

    pub(crate) fn open(&self) {
        self.set_rate(UNLIMITED);
    }
}

fn forward(near: &TcpStream, far: &TcpStream, rate: &Arc<AtomicU64>) -> io::Result<()> {
    for (from, to) in [
        (near.try_clone()?, far.try_clone()?),
        (far.try_clone()?, near.try_clone()?),
    ] {
        let rate = Arc::clone(rate);
        thread::spawn(move || {
            let _ = copy(&from, &to, &rate);
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
    Ok(())
}

fn copy(mut from: &TcpStream, mut to: &TcpStream, rate: &AtomicU64) -> io::Result<()> {
    let mut bytes = [0; 16 << 10];
    loop {
        let count = from.read(&mut bytes)?;
        if count == 0 {
            return Ok(());
        }
        while rate.load(Ordering::Relaxed) == 0 {
            thread::sleep(Duration::from_millis(5));
        }
        let rate = rate.load(Ordering::Relaxed);
        if rate != UNLIMITED {
            thread::sleep(Duration::from_secs_f64(count as f64 / rate as f64));
        }
        to.write_all(&bytes[..count])?;
    }
}
