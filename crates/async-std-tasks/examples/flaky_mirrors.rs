//! One file, three mirrors that fail now and then: each is tried again, the first answer is taken. Then all parts of the
//! file, as they come.
//!
//! `cargo run -p async-std-tasks --example flaky_mirrors`

use std::num::NonZeroUsize;
use std::time::Duration;

use effective_async_std_tasks::{Backoff, Retry, Tasks, first_completed, timeout};

const AT_ONCE: NonZeroUsize = NonZeroUsize::new(4).unwrap();

/// Stands for a request: the more often it is tried, the better.
async fn ask(mirror: u64, attempt: usize) -> Result<u64, String> {
    async_std::task::sleep(Duration::from_millis(3 + 2 * mirror)).await;
    if attempt > mirror as usize {
        Ok(mirror)
    } else {
        Err(format!("mirror {mirror} is busy"))
    }
}

fn patient() -> Retry {
    Retry::new()
        .backoff(Backoff::exponential(Duration::from_millis(2), 2.0).jitter(0.5))
        .timeout(Duration::from_secs(5))
}

#[async_std::main]
async fn main() {
    let mirrors = (0..3).map(|mirror| patient().run(move |attempt| ask(mirror, attempt)));
    let first = timeout(Duration::from_secs(10), first_completed(mirrors)).await;
    match first {
        Ok(Ok((_, Ok(Ok(mirror))))) => println!("mirror {mirror} was the first"),
        other => println!("no mirror has answered: {other:?}"),
    }

    let mut parts = Tasks::new().limit(AT_ONCE).as_completed(0..8, |part| {
        patient().run(move |attempt| ask(part % 5, attempt))
    });
    while let Some((part, answer)) = parts.next().await {
        match answer {
            Ok(Ok(mirror)) => println!("part {part} from mirror {mirror}"),
            Ok(Err(error)) => println!("part {part}: {error}"),
            Err(error) => println!("part {part}: {error}"),
        }
    }
}
