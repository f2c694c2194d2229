//! Model checks of the protocols between the threads of a pipeline, on the real code:
//! `cargo xtask ci` builds the library with loom's primitives.
//!
//! `RUSTFLAGS="--cfg model_check" CARGO_TARGET_DIR=target/model_check cargo test --release -p effective-pipeline --test model_check`
#![cfg(model_check)]

use std::collections::VecDeque;

use loom::model::Builder;
use loom::sync::Arc;
use loom::thread;

use effective_pipeline::buffer::Buffer;
use effective_pipeline::cut::Cut;
use effective_pipeline::reorder::Reorder;
use effective_pipeline::sync;
use effective_pipeline::wait::Wait;
use effective_pipeline::window::Window;

/// Loom fails a model in which all threads wait: a lost wake-up, or a pipeline that locks up.
fn check(model: impl Fn() + Sync + Send + 'static) {
    check_with(2, model);
}

fn check_with(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// As workers wait: until everything is to end.
struct Worker(Arc<Cut<&'static str>>);

impl Wait for Worker {
    fn is_over(&self) -> bool {
        self.0.is_stopped()
    }

    fn park(&self) {
        sync::park();
    }
}

/// As the source waits: until any cut.
struct Source(Arc<Cut<&'static str>>);

impl Wait for Source {
    fn is_over(&self) -> bool {
        self.0.is_cut()
    }

    fn park(&self) {
        sync::park();
    }
}

/// As the consumer waits: until everything before the cut is out.
struct Consumer(Arc<Cut<&'static str>>, usize);

impl Wait for Consumer {
    fn is_over(&self) -> bool {
        self.1 >= self.0.at()
    }

    fn park(&self) {
        sync::park();
    }
}

fn take_all<T>(buffer: &Buffer<T>, most: usize, wait: &impl Wait) -> Vec<T> {
    let (mut all, mut some) = (Vec::new(), VecDeque::new());
    while buffer.take(most, &mut some, wait).is_some() {
        assert!(!some.is_empty() && some.len() <= most);
        all.extend(some.drain(..));
    }
    all.extend(buffer.leave_taking());
    all
}

#[test]
fn every_item_that_is_put_is_taken_once_and_in_order() {
    check(|| {
        let (buffer, cut) = (Arc::new(Buffer::new(1, 1, 1)), Arc::new(Cut::new()));
        let putter = thread::spawn({
            let (buffer, wait) = (Arc::clone(&buffer), Worker(Arc::clone(&cut)));
            move || {
                for item in 0..3 {
                    assert!(buffer.put(item, &wait).is_ok());
                }
                buffer.leave_putting();
            }
        });
        assert_eq!(take_all(&buffer, 2, &Worker(cut)), [0, 1, 2]);
        putter.join().unwrap();
    });
}

#[test]
fn two_who_put_and_two_who_take_lose_nothing() {
    check(|| {
        let (buffer, cut) = (Arc::new(Buffer::new(1, 2, 2)), Arc::new(Cut::new()));
        let putters: Vec<_> = (0..2)
            .map(|item| {
                let (buffer, wait) = (Arc::clone(&buffer), Worker(Arc::clone(&cut)));
                thread::spawn(move || {
                    assert!(buffer.put(item, &wait).is_ok());
                    buffer.leave_putting();
                })
            })
            .collect();
        let taker = thread::spawn({
            let (buffer, wait) = (Arc::clone(&buffer), Worker(Arc::clone(&cut)));
            move || take_all(&buffer, 1, &wait)
        });
        let mut all = take_all(&buffer, 1, &Worker(cut));
        all.extend(taker.join().unwrap());
        putters
            .into_iter()
            .for_each(|putter| putter.join().unwrap());
        all.sort_unstable();
        assert_eq!(all, [0, 1]);
    });
}

#[test]
fn who_waits_for_room_wakes_up_when_everything_is_to_end_and_keeps_its_item() {
    check(|| {
        let (buffer, cut) = (Arc::new(Buffer::new(1, 1, 1)), Arc::new(Cut::new()));
        let putter = thread::spawn({
            let (buffer, cut) = (Arc::clone(&buffer), Arc::clone(&cut));
            move || {
                cut.tell_crew();
                let wait = Worker(cut);
                assert!(buffer.put(0, &wait).is_ok());
                assert_eq!(buffer.put(1, &wait), Err(1));
                buffer.leave_putting();
            }
        });
        assert_eq!(cut.cut(0, "stop"), None);
        putter.join().unwrap();
        assert_eq!(buffer.leave_taking(), [0]);
    });
}

#[test]
fn who_waits_for_room_wakes_up_when_the_last_taker_goes() {
    check(|| {
        let (buffer, cut) = (Arc::new(Buffer::new(1, 1, 1)), Arc::new(Cut::new()));
        let putter = thread::spawn({
            let (buffer, wait) = (Arc::clone(&buffer), Worker(cut));
            move || {
                let put = (0..2)
                    .filter(|item| buffer.put(*item, &wait).is_ok())
                    .count();
                buffer.leave_putting();
                put
            }
        });
        let rest = buffer.leave_taking();
        assert_eq!(putter.join().unwrap(), rest.len());
    });
}

#[test]
fn who_waits_for_items_wakes_up_when_everything_is_to_end() {
    check(|| {
        let (buffer, cut) = (Arc::new(Buffer::<u8>::new(1, 1, 2)), Arc::new(Cut::new()));
        let takers: Vec<_> = (0..2)
            .map(|_| {
                let (buffer, cut) = (Arc::clone(&buffer), Arc::clone(&cut));
                thread::spawn(move || {
                    cut.tell_crew();
                    assert_eq!(take_all(&buffer, 1, &Worker(cut)), []);
                })
            })
            .collect();
        assert_eq!(cut.cut(0, "stop"), None);
        takers.into_iter().for_each(|taker| taker.join().unwrap());
    });
}

#[test]
fn of_two_cuts_the_earlier_one_counts_and_the_other_cause_comes_back() {
    check(|| {
        let cut = Arc::new(Cut::new());
        let other = thread::spawn({
            let cut = Arc::clone(&cut);
            move || cut.cut(5, "five").is_some()
        });
        let mine = cut.cut(2, "two").inspect(|back| assert_eq!(*back, "five"));
        let refused = other.join().unwrap();
        // Either five was there before and was replaced, or it came too late.
        assert!(mine.is_some() != refused);
        assert_eq!((cut.at(), cut.take_cause()), (2, Some("two")));
    });
}

#[test]
fn the_source_wakes_up_when_an_item_is_out_or_at_a_cut() {
    for told in [true, false] {
        check(move || {
            let (window, cut) = (Arc::new(Window::new(1)), Arc::new(Cut::new()));
            let source = thread::spawn({
                let (window, cut) = (Arc::clone(&window), Arc::clone(&cut));
                move || {
                    cut.tell_crew();
                    let (wait, mut out) = (Source(cut), 0);
                    assert!(window.admit(0, &mut out, &wait));
                    window.admit(1, &mut out, &wait)
                }
            });
            if told {
                window.tell(1);
            } else {
                cut.cut(7, "cut");
            }
            assert_eq!(source.join().unwrap(), told);
        });
    }
}

/// What a consumer of ordered outputs does.
fn consume(
    buffer: &Buffer<usize>,
    window: &Window,
    cut: &Arc<Cut<&'static str>>,
    outputs: &mut Vec<usize>,
) {
    cut.tell_consumer();
    let (mut reorder, mut taken, mut told) = (Reorder::new(), VecDeque::new(), 0);
    loop {
        if outputs.len() >= cut.at() {
            break;
        }
        if let Some(item) = reorder.pop() {
            outputs.push(item);
            if outputs.len() - told >= window.interval() {
                told = outputs.len();
                window.tell(told);
            }
            continue;
        }
        let wait = Consumer(Arc::clone(cut), outputs.len());
        if buffer.take(1, &mut taken, &wait).is_none() {
            break;
        }
        for item in taken.drain(..) {
            reorder.insert(item, item);
        }
    }
}

/// A source, a stage of two workers, one of which may be slow at any point, and a consumer in order. The window has room
/// for fewer items than there are, so that the source has to wait for the consumer.
fn ordered_pipeline(items: usize, fails_at: Option<usize>) {
    let cut = Arc::new(Cut::new());
    let window = Arc::new(Window::new(2));
    let entrance = Arc::new(Buffer::new(1, 1, 2));
    let exit = Arc::new(Buffer::new(1, 2, 1));
    let mut crew = Vec::new();
    for _ in 0..2 {
        let (cut, entrance, exit) = (Arc::clone(&cut), Arc::clone(&entrance), Arc::clone(&exit));
        crew.push(thread::spawn(move || {
            cut.tell_crew();
            let wait = Worker(Arc::clone(&cut));
            let mut taken = VecDeque::new();
            while entrance.take(1, &mut taken, &wait).is_some() {
                for item in taken.drain(..) {
                    if item >= cut.at() {
                        continue;
                    }
                    if fails_at == Some(item) {
                        cut.cut(item, "failed");
                    } else if exit.put(item, &wait).is_err() {
                        break;
                    }
                }
            }
            entrance.leave_taking();
            exit.leave_putting();
        }));
    }
    crew.push(thread::spawn({
        let (cut, window) = (Arc::clone(&cut), Arc::clone(&window));
        move || {
            cut.tell_crew();
            let (wait, mut out) = (Source(cut), 0);
            for item in 0..items {
                if !window.admit(item, &mut out, &wait) || entrance.put(item, &wait).is_err() {
                    break;
                }
            }
            entrance.leave_putting();
        }
    }));
    let mut outputs = Vec::new();
    consume(&exit, &window, &cut, &mut outputs);
    // As when the outputs are dropped.
    let cause = cut.take_cause();
    cut.cut(0, "dropped");
    exit.leave_taking();
    crew.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(outputs.into_iter().eq(0..fails_at.unwrap_or(items)));
    assert_eq!(cause, fails_at.map(|_| "failed"));
}

#[test]
fn a_slow_item_does_not_lock_up_the_pipeline_and_the_order_is_right() {
    check_with(1, || ordered_pipeline(3, None));
}

#[test]
fn a_failed_item_ends_the_outputs_right_before_it() {
    check_with(1, || ordered_pipeline(3, Some(1)));
}

/// Waits as everybody does in a run with a deadline, which has passed by the first time that it parks.
struct Late(Arc<Cut<&'static str>>);

impl Wait for Late {
    fn is_over(&self) -> bool {
        self.0.is_stopped()
    }

    fn park(&self) {
        self.0.cut(0, "late");
    }
}

#[test]
fn a_deadline_met_by_one_waiter_ends_the_others() {
    check(|| {
        let (buffer, cut) = (Arc::new(Buffer::new(1, 1, 1)), Arc::new(Cut::new()));
        let output = Arc::new(Buffer::<u8>::new(1, 1, 1));
        // One waits for room, another for an item that does not come, and nobody takes an output.
        let source = thread::spawn({
            let (buffer, wait) = (Arc::clone(&buffer), Late(Arc::clone(&cut)));
            move || {
                assert!(buffer.put(1_u8, &wait).is_ok());
                let refused = buffer.put(2, &wait);
                buffer.leave_putting();
                refused.is_err()
            }
        });
        let worker = thread::spawn({
            let (output, wait) = (Arc::clone(&output), Worker(Arc::clone(&cut)));
            move || {
                wait.0.tell_crew();
                output.take(1, &mut VecDeque::new(), &wait)
            }
        });
        assert!(source.join().unwrap(), "nobody makes room");
        assert_eq!(worker.join().unwrap(), None);
        assert_eq!(cut.take_cause(), Some("late"));
    });
}
