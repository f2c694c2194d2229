//! The rivals: channels, none of which can be joined.

use std::time::Duration;

use crate::Load;
use crate::race::race;

pub(crate) fn crossbeam(load: Load) -> Duration {
    let (sender, receiver) = match load.capacity {
        Some(capacity) => crossbeam_channel::bounded(capacity),
        None => crossbeam_channel::unbounded(),
    };
    race(
        load,
        vec![sender; load.threads],
        vec![receiver; load.threads],
        |sender, numbers| {
            for number in numbers {
                sender.send(number).expect("open");
            }
        },
        |receiver| receiver.iter().sum(),
    )
}

pub(crate) fn kanal(load: Load) -> Duration {
    let (sender, receiver) = match load.capacity {
        Some(capacity) => kanal::bounded(capacity),
        None => kanal::unbounded(),
    };
    race(
        load,
        vec![sender; load.threads],
        vec![receiver; load.threads],
        |sender, numbers| {
            for number in numbers {
                sender.send(number).expect("open");
            }
        },
        Iterator::sum,
    )
}

pub(crate) fn flume(load: Load) -> Duration {
    let (sender, receiver) = match load.capacity {
        Some(capacity) => flume::bounded(capacity),
        None => flume::unbounded(),
    };
    race(
        load,
        vec![sender; load.threads],
        vec![receiver; load.threads],
        |sender, numbers| {
            for number in numbers {
                sender.send(number).expect("open");
            }
        },
        |receiver| receiver.iter().sum(),
    )
}

pub(crate) fn async_channel(load: Load) -> Duration {
    let (sender, receiver) = match load.capacity {
        Some(capacity) => async_channel::bounded(capacity),
        None => async_channel::unbounded(),
    };
    race(
        load,
        vec![sender; load.threads],
        vec![receiver; load.threads],
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
pub(crate) fn tokio(load: Load) -> Duration {
    use tokio::sync::mpsc;

    match load.capacity {
        Some(capacity) => {
            let (sender, receiver) = mpsc::channel(capacity);
            race(
                load,
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
                load,
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
pub(crate) fn std(load: Load) -> Duration {
    use std::sync::mpsc;

    match load.capacity {
        Some(capacity) => {
            let (sender, receiver) = mpsc::sync_channel(capacity);
            race(
                load,
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
                load,
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
