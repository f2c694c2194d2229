//! Model checks of the protocols between the threads of a pipeline, on the real code:
//! `cargo xtask ci` builds the library with loom's primitives.
//!
//! `RUSTFLAGS="--cfg model_check" CARGO_TARGET_DIR=target/model-check cargo test --release -p
//! effective-pipeline --test model_check`
#![cfg(model_check)]

use std::collections::VecDeque;

use loom::model::Builder;
use loom::sync::Arc;
use loom::thread;

use effective_pipeline::protocols;
use effective_pipeline::protocols::buffer::Buffer;
use effective_pipeline::protocols::reorder::Reorder;
use effective_pipeline::protocols::stop_at::StopAt;
use effective_pipeline::protocols::wait::Wait;
use effective_pipeline::protocols::window::Window;

/// Loom fails a model in which all threads wait: a lost wake-up or a deadlock.
fn check(model: impl Fn() + Sync + Send + 'static) {
    check_with(2, model);
}

fn check_with(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// Waits as a worker does: until everything ends.
struct Worker(Arc<StopAt<&'static str>>);

impl Wait for Worker {
    fn is_over(&self) -> bool {
        self.0.is_zero()
    }

    fn park(&self) {
        protocols::park();
    }
}

/// Waits as the source does: until a stop index is set.
struct Source(Arc<StopAt<&'static str>>);

impl Wait for Source {
    fn is_over(&self) -> bool {
        self.0.is_set()
    }

    fn park(&self) {
        protocols::park();
    }
}

/// Waits as the consumer does: until every item before the stop index is out.
struct Consumer(Arc<StopAt<&'static str>>, usize);

impl Wait for Consumer {
    fn is_over(&self) -> bool {
        self.1 >= self.0.index()
    }

    fn park(&self) {
        protocols::park();
    }
}

fn take_all<T>(buffer: &Buffer<T>, most: usize, wait: &impl Wait) -> Vec<T> {
    let (mut all, mut some) = (Vec::new(), VecDeque::new());
    while buffer.take(most, &mut some, wait).is_some() {
        assert!(!some.is_empty() && some.len() <= most);
        all.extend(some.drain(..));
    }
    all.extend(buffer.remove_taker());
    all
}

#[test]
fn items_are_taken_once_and_in_order() {
    check(|| {
        let (buffer, stop_at) = (Arc::new(Buffer::new(1, 1, 1)), Arc::new(StopAt::new()));
        let putter = thread::spawn({
            let (buffer, wait) = (Arc::clone(&buffer), Worker(Arc::clone(&stop_at)));
            move || {
                for item in 0..3 {
                    assert!(buffer.put(item, &wait).is_ok());
                }
                buffer.remove_putter();
            }
        });
        assert_eq!(take_all(&buffer, 2, &Worker(stop_at)), [0, 1, 2]);
        putter.join().unwrap();
    });
}

#[test]
fn two_putters_and_two_takers_lose_no_item() {
    check(|| {
        let (buffer, stop_at) = (Arc::new(Buffer::new(1, 2, 2)), Arc::new(StopAt::new()));
        let putters: Vec<_> = (0..2)
            .map(|item| {
                let (buffer, wait) = (Arc::clone(&buffer), Worker(Arc::clone(&stop_at)));
                thread::spawn(move || {
                    assert!(buffer.put(item, &wait).is_ok());
                    buffer.remove_putter();
                })
            })
            .collect();
        let taker = thread::spawn({
            let (buffer, wait) = (Arc::clone(&buffer), Worker(Arc::clone(&stop_at)));
            move || take_all(&buffer, 1, &wait)
        });
        let mut all = take_all(&buffer, 1, &Worker(stop_at));
        all.extend(taker.join().unwrap());
        putters
            .into_iter()
            .for_each(|putter| putter.join().unwrap());
        all.sort_unstable();
        assert_eq!(all, [0, 1]);
    });
}

#[test]
fn stop_wakes_a_putter_that_waits_for_room() {
    check(|| {
        let (buffer, stop_at) = (Arc::new(Buffer::new(1, 1, 1)), Arc::new(StopAt::new()));
        let putter = thread::spawn({
            let (buffer, stop_at) = (Arc::clone(&buffer), Arc::clone(&stop_at));
            move || {
                stop_at.register_worker();
                let wait = Worker(stop_at);
                assert!(buffer.put(0, &wait).is_ok());
                assert_eq!(buffer.put(1, &wait), Err(1));
                buffer.remove_putter();
            }
        });
        assert_eq!(stop_at.lower(0, "stop"), None);
        putter.join().unwrap();
        assert_eq!(buffer.remove_taker(), [0]);
    });
}

#[test]
fn last_taker_wakes_a_putter_that_waits_for_room() {
    check(|| {
        let (buffer, stop_at) = (Arc::new(Buffer::new(1, 1, 1)), Arc::new(StopAt::new()));
        let putter = thread::spawn({
            let (buffer, wait) = (Arc::clone(&buffer), Worker(stop_at));
            move || {
                let put = (0..2)
                    .filter(|item| buffer.put(*item, &wait).is_ok())
                    .count();
                buffer.remove_putter();
                put
            }
        });
        let rest = buffer.remove_taker();
        assert_eq!(putter.join().unwrap(), rest.len());
    });
}

#[test]
fn stop_wakes_takers_that_wait_for_items() {
    check(|| {
        let (buffer, stop_at) = (
            Arc::new(Buffer::<u8>::new(1, 1, 2)),
            Arc::new(StopAt::new()),
        );
        let takers: Vec<_> = (0..2)
            .map(|_| {
                let (buffer, stop_at) = (Arc::clone(&buffer), Arc::clone(&stop_at));
                thread::spawn(move || {
                    stop_at.register_worker();
                    assert_eq!(take_all(&buffer, 1, &Worker(stop_at)), []);
                })
            })
            .collect();
        assert_eq!(stop_at.lower(0, "stop"), None);
        takers.into_iter().for_each(|taker| taker.join().unwrap());
    });
}

#[test]
fn lower_stop_index_wins_over_another() {
    check(|| {
        let stop_at = Arc::new(StopAt::new());
        let other = thread::spawn({
            let stop_at = Arc::clone(&stop_at);
            move || stop_at.lower(5, "five").is_some()
        });
        let mine = stop_at
            .lower(2, "two")
            .inspect(|back| assert_eq!(*back, "five"));
        let refused = other.join().unwrap();
        // Either five was set first and was replaced, or it came too late.
        assert!(mine.is_some() != refused);
        assert_eq!((stop_at.index(), stop_at.take_cause()), (2, Some("two")));
    });
}

#[test]
fn output_or_stop_wakes_the_source() {
    for is_out in [true, false] {
        check(move || {
            let (window, stop_at) = (Arc::new(Window::new(1)), Arc::new(StopAt::new()));
            let source = thread::spawn({
                let (window, stop_at) = (Arc::clone(&window), Arc::clone(&stop_at));
                move || {
                    stop_at.register_worker();
                    let (wait, mut out) = (Source(stop_at), 0);
                    assert!(window.admit(0, &mut out, &wait));
                    window.admit(1, &mut out, &wait)
                }
            });
            if is_out {
                window.advance(1);
            } else {
                stop_at.lower(7, "failed");
            }
            assert_eq!(source.join().unwrap(), is_out);
        });
    }
}

/// The loop of a consumer of ordered outputs.
fn consume(
    buffer: &Buffer<usize>,
    window: &Window,
    stop_at: &Arc<StopAt<&'static str>>,
    outputs: &mut Vec<usize>,
) {
    stop_at.register_consumer();
    let (mut reorder, mut taken, mut reported) = (Reorder::new(), VecDeque::new(), 0);
    loop {
        if outputs.len() >= stop_at.index() {
            break;
        }
        if let Some(item) = reorder.pop() {
            outputs.push(item);
            if outputs.len() - reported >= window.report_interval() {
                reported = outputs.len();
                window.advance(reported);
            }
            continue;
        }
        let wait = Consumer(Arc::clone(stop_at), outputs.len());
        if buffer.take(1, &mut taken, &wait).is_none() {
            break;
        }
        for item in taken.drain(..) {
            reorder.insert(item, item);
        }
    }
}

/// A source, a stage of two workers, either of which may be slow at any point, and a consumer in
/// order. The window has room for fewer items than there are, so that the source has to wait for
/// the consumer.
fn ordered_pipeline(items: usize, fails_at: Option<usize>) {
    let stop_at = Arc::new(StopAt::new());
    let window = Arc::new(Window::new(2));
    let entrance = Arc::new(Buffer::new(1, 1, 2));
    let exit = Arc::new(Buffer::new(1, 2, 1));
    let mut threads = Vec::new();
    for _ in 0..2 {
        let (stop_at, entrance, exit) = (
            Arc::clone(&stop_at),
            Arc::clone(&entrance),
            Arc::clone(&exit),
        );
        threads.push(thread::spawn(move || {
            stop_at.register_worker();
            let wait = Worker(Arc::clone(&stop_at));
            let mut taken = VecDeque::new();
            while entrance.take(1, &mut taken, &wait).is_some() {
                for item in taken.drain(..) {
                    if item >= stop_at.index() {
                        continue;
                    }
                    if fails_at == Some(item) {
                        stop_at.lower(item, "failed");
                    } else if exit.put(item, &wait).is_err() {
                        break;
                    }
                }
            }
            entrance.remove_taker();
            exit.remove_putter();
        }));
    }
    threads.push(thread::spawn({
        let (stop_at, window) = (Arc::clone(&stop_at), Arc::clone(&window));
        move || {
            stop_at.register_worker();
            let (wait, mut out) = (Source(stop_at), 0);
            for item in 0..items {
                if !window.admit(item, &mut out, &wait) || entrance.put(item, &wait).is_err() {
                    break;
                }
            }
            entrance.remove_putter();
        }
    }));
    let mut outputs = Vec::new();
    consume(&exit, &window, &stop_at, &mut outputs);
    // As dropping the outputs does.
    let cause = stop_at.take_cause();
    stop_at.lower(0, "dropped");
    exit.remove_taker();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    assert!(outputs.into_iter().eq(0..fails_at.unwrap_or(items)));
    assert_eq!(cause, fails_at.map(|_| "failed"));
}

#[test]
fn slow_item_does_not_deadlock_an_ordered_run() {
    check_with(1, || ordered_pipeline(3, None));
}

#[test]
fn failed_item_ends_the_outputs_before_it() {
    check_with(1, || ordered_pipeline(3, Some(1)));
}

/// Waits as any thread of a run whose deadline has passed when it first parks.
struct Late(Arc<StopAt<&'static str>>);

impl Wait for Late {
    fn is_over(&self) -> bool {
        self.0.is_zero()
    }

    fn park(&self) {
        self.0.lower(0, "late");
    }
}

#[test]
fn deadline_seen_by_one_waiter_ends_the_others() {
    check(|| {
        let (buffer, stop_at) = (Arc::new(Buffer::new(1, 1, 1)), Arc::new(StopAt::new()));
        let output = Arc::new(Buffer::<u8>::new(1, 1, 1));
        // One waits for room, another for an item that does not come, and no output is taken.
        let source = thread::spawn({
            let (buffer, wait) = (Arc::clone(&buffer), Late(Arc::clone(&stop_at)));
            move || {
                assert!(buffer.put(1_u8, &wait).is_ok());
                let refused = buffer.put(2, &wait);
                buffer.remove_putter();
                refused.is_err()
            }
        });
        let worker = thread::spawn({
            let (output, wait) = (Arc::clone(&output), Worker(Arc::clone(&stop_at)));
            move || {
                wait.0.register_worker();
                output.take(1, &mut VecDeque::new(), &wait)
            }
        });
        assert!(source.join().unwrap(), "no room is made");
        assert_eq!(worker.join().unwrap(), None);
        assert_eq!(stop_at.take_cause(), Some("late"));
    });
}
