//! A file on three mirrors that sometimes fail: each is retried and the first answer is taken. Then
//! all parts of the file, as they come.
//!
//! `cargo run -p effective-tokio-tasks --example flaky_mirrors`

use std::num::NonZeroUsize;
use std::time::Duration;

use effective_tokio_tasks::{Backoff, Retry, Tasks, first_completed, timeout};
use futures::stream::StreamExt;

const LIMIT: NonZeroUsize = NonZeroUsize::new(4).unwrap();

/// A request, which succeeds after `mirror` failures.
async fn ask(mirror: u64, attempt: usize) -> Result<u64, String> {
    tokio::time::sleep(Duration::from_millis(3 + 2 * mirror)).await;
    if attempt > mirror as usize {
        Ok(mirror)
    } else {
        Err(format!("mirror {mirror} is busy"))
    }
}

#[tokio::main]
async fn main() {
    let retry = Retry::new()
        .backoff(Backoff::exponential(Duration::from_millis(2), 2.0).jitter(0.5))
        .timeout(Duration::from_secs(5));
    let mirrors = (0..3).map(|mirror| retry.run(move |attempt| ask(mirror, attempt)));
    match timeout(Duration::from_secs(10), first_completed(mirrors)).await {
        Ok(Ok((_, Ok(Ok(mirror))))) => println!("mirror {mirror} was the first"),
        other => println!("no mirror has answered: {other:?}"),
    }

    let mut parts = Tasks::new()
        .limit(LIMIT)
        .retry(retry)
        .as_completed(0..8, |part, attempt| ask(part % 5, attempt));
    while let Some((part, answer)) = parts.next().await {
        match answer {
            Ok(mirror) => println!("part {part} from mirror {mirror}"),
            Err(error) => println!("part {part}: {error}"),
        }
    }
}
