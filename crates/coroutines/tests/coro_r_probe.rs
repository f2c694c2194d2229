use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::future::Future;
use std::time::Instant;
#[test]
fn probe() {
    for (n, ops) in [(1000usize, 100usize), (100_000, 10)] {
        let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let polls = Cell::new(0u64);
        let start = Instant::now();
        rt.block_on(async {
            coroutines::map(0..n, |_| {
                let polls = &polls;
                async move {
                    let mut f = pin!(async { for _ in 0..ops { tokio::task::coop::consume_budget().await } });
                    poll_fn(|cx| { polls.set(polls.get() + 1); f.as_mut().poll(cx) }).await
                }
            }).await;
        });
        println!("map {n}x{ops}: {:?} polls {}", start.elapsed(), polls.get());
        let polls = Cell::new(0u64);
        let start = Instant::now();
        rt.block_on(async {
            use futures::StreamExt;
            let mut s: futures::stream::FuturesUnordered<_> = (0..n).map(|_| {
                let polls = &polls;
                async move {
                    let mut f = pin!(async { for _ in 0..ops { tokio::task::coop::consume_budget().await } });
                    poll_fn(|cx| { polls.set(polls.get() + 1); f.as_mut().poll(cx) }).await
                }
            }).collect();
            while s.next().await.is_some() {}
        });
        println!("unordered {n}x{ops}: {:?} polls {}", start.elapsed(), polls.get());
    }
}
