//! The rivals: channels, none of which can be joined.

use std::iter;
use std::time::Duration;

use crate::Work;
use crate::race::race;

/// Races clones of both ends of a channel: one for each producer, and one for each consumer.
fn race_clones<S: Clone + Send, R: Clone + Send>(
    work: Work,
    (sender, receiver): (S, R),
    send: impl Fn(&S, u64) + Sync,
    sum: impl Fn(R) -> u64 + Sync,
) -> Duration {
    race(
        work,
        vec![sender; work.threads],
        vec![receiver; work.threads],
        |sender, numbers| numbers.for_each(|number| send(&sender, number)),
        sum,
    )
}

/// Races one producer against the only consumer that the channel can have.
fn race_pair<S: Send, R: Send>(
    work: Work,
    (sender, receiver): (S, R),
    send: impl Fn(&S, u64) + Sync,
    sum: impl Fn(R) -> u64 + Sync,
) -> Duration {
    race(
        work,
        vec![sender],
        vec![receiver],
        |sender, numbers| numbers.for_each(|number| send(&sender, number)),
        sum,
    )
}

pub(crate) fn crossbeam(work: Work) -> Duration {
    race_clones(
        work,
        work.capacity
            .map_or_else(crossbeam_channel::unbounded, crossbeam_channel::bounded),
        |sender, number| sender.send(number).expect("open"),
        |receiver| receiver.iter().sum(),
    )
}

pub(crate) fn kanal(work: Work) -> Duration {
    race_clones(
        work,
        work.capacity.map_or_else(kanal::unbounded, kanal::bounded),
        |sender, number| sender.send(number).expect("open"),
        Iterator::sum,
    )
}

pub(crate) fn flume(work: Work) -> Duration {
    race_clones(
        work,
        work.capacity.map_or_else(flume::unbounded, flume::bounded),
        |sender, number| sender.send(number).expect("open"),
        |receiver| receiver.iter().sum(),
    )
}

pub(crate) fn async_channel(work: Work) -> Duration {
    race_clones(
        work,
        work.capacity
            .map_or_else(async_channel::unbounded, async_channel::bounded),
        |sender, number| sender.send_blocking(number).expect("open"),
        |receiver| iter::from_fn(|| receiver.recv_blocking().ok()).sum(),
    )
}

pub(crate) fn tokio(work: Work) -> Duration {
    use tokio::sync::mpsc;

    match work.capacity {
        Some(capacity) => race_pair(
            work,
            mpsc::channel(capacity),
            |sender, number| sender.blocking_send(number).expect("open"),
            |mut receiver| iter::from_fn(|| receiver.blocking_recv()).sum(),
        ),
        None => race_pair(
            work,
            mpsc::unbounded_channel(),
            |sender, number| sender.send(number).expect("open"),
            |mut receiver| iter::from_fn(|| receiver.blocking_recv()).sum(),
        ),
    }
}

pub(crate) fn std(work: Work) -> Duration {
    use std::sync::mpsc;

    match work.capacity {
        Some(capacity) => race_pair(
            work,
            mpsc::sync_channel(capacity),
            |sender, number| sender.send(number).expect("open"),
            |receiver| receiver.iter().sum(),
        ),
        None => race_pair(
            work,
            mpsc::channel(),
            |sender, number| sender.send(number).expect("open"),
            |receiver| receiver.iter().sum(),
        ),
    }
}
