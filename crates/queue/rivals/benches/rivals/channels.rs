//! The rivals: channels, none of which can be joined.

use std::time::Duration;

use crate::Work;
use crate::race::race;

pub(crate) fn crossbeam(work: Work) -> Duration {
    let (sender, receiver) = match work.capacity {
        Some(capacity) => crossbeam_channel::bounded(capacity),
        None => crossbeam_channel::unbounded(),
    };
    race(
        work,
        vec![sender; work.threads],
        vec![receiver; work.threads],
        |sender, numbers| {
            for number in numbers {
                sender.send(number).expect("open");
            }
        },
        |receiver| receiver.iter().sum(),
    )
}

pub(crate) fn kanal(work: Work) -> Duration {
    let (sender, receiver) = match work.capacity {
        Some(capacity) => kanal::bounded(capacity),
        None => kanal::unbounded(),
    };
    race(
        work,
        vec![sender; work.threads],
        vec![receiver; work.threads],
        |sender, numbers| {
            for number in numbers {
                sender.send(number).expect("open");
            }
        },
        Iterator::sum,
    )
}

pub(crate) fn flume(work: Work) -> Duration {
    let (sender, receiver) = match work.capacity {
        Some(capacity) => flume::bounded(capacity),
        None => flume::unbounded(),
    };
    race(
        work,
        vec![sender; work.threads],
        vec![receiver; work.threads],
        |sender, numbers| {
            for number in numbers {
                sender.send(number).expect("open");
            }
        },
        |receiver| receiver.iter().sum(),
    )
}

pub(crate) fn async_channel(work: Work) -> Duration {
    let (sender, receiver) = match work.capacity {
        Some(capacity) => async_channel::bounded(capacity),
        None => async_channel::unbounded(),
    };
    race(
        work,
        vec![sender; work.threads],
        vec![receiver; work.threads],
        |sender, numbers| {
            for number in numbers {
                sender.send_blocking(number).expect("open");
            }
        },
        |receiver| {
            let mut sum = 0;
            while let Ok(number) = receiver.recv_blocking() {
                sum += number;
            }
            sum
        },
    )
}

/// One consumer.
pub(crate) fn tokio(work: Work) -> Duration {
    use tokio::sync::mpsc;

    match work.capacity {
        Some(capacity) => {
            let (sender, receiver) = mpsc::channel(capacity);
            race(
                work,
                vec![sender],
                vec![receiver],
                |sender, numbers| {
                    for number in numbers {
                        sender.blocking_send(number).expect("open");
                    }
                },
                |mut receiver| std::iter::from_fn(|| receiver.blocking_recv()).sum(),
            )
        }
        None => {
            let (sender, receiver) = mpsc::unbounded_channel();
            race(
                work,
                vec![sender],
                vec![receiver],
                |sender, numbers| {
                    for number in numbers {
                        sender.send(number).expect("open");
                    }
                },
                |mut receiver| std::iter::from_fn(|| receiver.blocking_recv()).sum(),
            )
        }
    }
}

/// One consumer.
pub(crate) fn std(work: Work) -> Duration {
    use std::sync::mpsc;

    match work.capacity {
        Some(capacity) => {
            let (sender, receiver) = mpsc::sync_channel(capacity);
            race(
                work,
                vec![sender],
                vec![receiver],
                |sender, numbers| {
                    for number in numbers {
                        sender.send(number).expect("open");
                    }
                },
                |receiver| receiver.iter().sum(),
            )
        }
        None => {
            let (sender, receiver) = mpsc::channel();
            race(
                work,
                vec![sender],
                vec![receiver],
                |sender, numbers| {
                    for number in numbers {
                        sender.send(number).expect("open");
                    }
                },
                |receiver| receiver.iter().sum(),
            )
        }
    }
}
