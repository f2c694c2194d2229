//! Probes ports by blocking calls: a few at once, and none started after the deadline.
//!
//! `cargo run -p effective-threads --example probe -- 127.0.0.1:22 127.0.0.1:80`

use std::env;
use std::error::Error;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::time::Duration;

use effective_threads::Threads;

const LIMIT: NonZeroUsize = NonZeroUsize::new(16).unwrap();

fn main() -> Result<(), Box<dyn Error>> {
    let mut addresses = env::args()
        .skip(1)
        .map(|text| text.parse())
        .collect::<Result<Vec<SocketAddr>, _>>()?;
    // Without arguments: a port that answers and one that does not.
    let open = TcpListener::bind("127.0.0.1:0")?;
    if addresses.is_empty() {
        addresses = vec![open.local_addr()?, "127.0.0.1:1".parse()?];
    }

    let results = Threads::new()
        .limit(LIMIT)
        .name_prefix("probe")
        .deadline(Duration::from_secs(5))
        .map(&addresses, |address| -> io::Result<()> {
            TcpStream::connect_timeout(address, Duration::from_secs(1)).map(drop)
        });

    for (address, result) in addresses.iter().zip(results) {
        match result {
            Ok(Ok(())) => println!("{address} answers"),
            Ok(Err(error)) => println!("{address} does not: {error}"),
            Err(error) => println!("{address} was not probed: {error}"),
        }
    }
    Ok(())
}
