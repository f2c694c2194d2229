//! Pipelines at full load with random errors, panics, stops, deadlines, and consumers that leave or
//! panic, for `SOAK_SECONDS` (1 by default). Every item is accounted for, and no threads or memory
//! are left behind.

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use effective_pipeline::{BuildError, Counts, KeepGoing, Pipeline, PipelineError};

/// The number of items that are alive.
static ALIVE: AtomicIsize = AtomicIsize::new(0);

struct Item(u64);

impl Item {
    fn new(value: u64) -> Self {
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Self(value)
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// xorshift64 (Marsaglia, "Xorshift RNGs", 2003).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[derive(Debug, Default)]
struct Seen {
    runs: u64,
    whole: u64,
    failed: u64,
    panicked: u64,
    stopped: u64,
    late: u64,
    left: u64,
    outputs: u64,
}

/// How a run may fail. An index beyond `items` never occurs.
struct Fate {
    fails: u64,
    panics: u64,
    items: u64,
}

fn stages(dice: &mut Dice, fate: &Fate) -> Pipeline<'static, u64, Item> {
    let mut workers = || 1 + dice.roll(3) as usize;
    let (fails, panics) = (fate.fails, fate.panics);
    let pipeline = Pipeline::new()
        .stage("make", workers(), Item::new)
        .try_stage("check", workers(), move |item: Item| {
            if item.0 == fails {
                return Err(format!("no {fails}"));
            }
            Ok(item)
        })
        .stage("work", workers(), move |item| {
            assert!(item.0 != panics, "expected");
            if item.0.is_multiple_of(256) {
                thread::sleep(Duration::from_micros(50));
            }
            item
        })
        .buffer(1 + dice.roll(40) as usize);
    match dice.roll(2) {
        0 => pipeline,
        _ => pipeline.unordered(),
    }
}

#[track_caller]
fn nothing_is_missing(counts: &Counts, delivered: u64) {
    assert_eq!(counts.delivered as u64, delivered, "{counts:?}");
    assert_eq!(counts.ready, 0, "{counts:?}");
    let mut arrived = None;
    for stage in &counts.stages {
        assert_eq!((stage.waiting, stage.in_progress), (0, 0), "{counts:?}");
        assert_eq!(
            stage.received,
            stage.done + stage.failed + stage.discarded,
            "{counts:?}"
        );
        assert!(arrived.is_none_or(|arrived| stage.received == arrived));
        arrived = Some(stage.done);
    }
}

fn one_run(dice: &mut Dice, seen: &mut Seen) {
    let items = 1 + dice.roll(3_000);
    let fate = Fate {
        // Twice as many sides as items: half of the runs do not fail.
        fails: dice.roll(2 * items),
        panics: dice.roll(2 * items),
        items,
    };
    let mut pipeline = stages(dice, &fate);
    if dice.roll(6) == 0 {
        pipeline = pipeline.deadline(Duration::from_micros(dice.roll(2_000)));
    }
    let handle = pipeline.handle();
    seen.runs += 1;
    let mut delivered = 0;
    let takes = if dice.roll(4) == 0 {
        dice.roll(items)
    } else {
        u64::MAX
    };
    let stops = (dice.roll(6) == 0).then(|| dice.roll(1_000));
    let go_on = dice.roll(3) == 0;
    let explodes = dice.roll(8) == 0;
    let background = dice.roll(2) == 0;
    let ended = thread::scope(|scope| {
        if let Some(after) = stops {
            let handle = handle.clone();
            scope.spawn(move || {
                thread::sleep(Duration::from_micros(after));
                handle.stop();
            });
        }
        let mut take = |_item| {
            delivered += 1;
            assert!(!explodes || delivered < fate.items / 2 + 2, "expected");
            delivered < takes
        };
        panic::catch_unwind(AssertUnwindSafe(|| match (go_on, background) {
            (true, _) => run_keep_going(pipeline.keep_going(), fate.items, |()| take(())),
            (false, false) => pipeline
                .run(0..fate.items, |mut outputs| {
                    outputs.all(|item: Item| {
                        drop(item);
                        take(())
                    })
                })
                .map(drop),
            (false, true) => pipeline.spawn(0..fate.items).and_then(|mut outputs| {
                outputs.try_for_each(|output| {
                    drop(output?);
                    // Stands for an early end, which is no error.
                    if take(()) {
                        Ok(())
                    } else {
                        Err(PipelineError::Build(BuildError::NoBuffer))
                    }
                })
            }),
        }))
    });
    match ended {
        Ok(Ok(())) if delivered == takes => seen.left += 1,
        Ok(Ok(())) => {
            seen.whole += 1;
            assert!(go_on || delivered == fate.items || takes <= delivered);
        }
        Ok(Err(PipelineError::Build(BuildError::NoBuffer))) => seen.left += 1,
        Ok(Err(PipelineError::Item(error))) => {
            let expected = if error.stage() == "check" {
                fate.fails
            } else {
                fate.panics
            };
            assert_eq!(error.item() as u64, expected);
            seen.failed += 1;
        }
        Ok(Err(PipelineError::Stopped)) => seen.stopped += 1,
        Ok(Err(PipelineError::TimedOut)) => seen.late += 1,
        Ok(Err(other)) => panic!("{other}"),
        Err(_) => {
            assert!(explodes);
            seen.panicked += 1;
        }
    }
    seen.outputs += delivered;
    nothing_is_missing(&handle.counts(), delivered);
    assert_eq!(ALIVE.load(Ordering::Relaxed), 0);
}

fn run_keep_going(
    pipeline: KeepGoing<'static, u64, Item>,
    items: u64,
    mut take: impl FnMut(()) -> bool,
) -> Result<(), PipelineError> {
    pipeline.run(0..items, |mut outputs| {
        outputs.all(|output| {
            drop(output);
            take(())
        })
    })?;
    Ok(())
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// Resident memory in KiB, or 0 if the system does not report it.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

#[test]
fn pipelines_lose_no_item_and_leave_no_thread() {
    let seconds: u64 = std::env::var("SOAK_SECONDS").map_or(1, |text| {
        text.parse()
            .expect("SOAK_SECONDS is a number of seconds, such as 60")
    });
    let report = Arc::new(panic::take_hook());
    let quiet = Arc::clone(&report);
    panic::set_hook(Box::new(move |info| {
        let expected = info
            .payload()
            .downcast_ref::<&str>()
            .is_some_and(|text| *text == "expected");
        if !expected {
            quiet(info);
        }
    }));
    let (done, wait) = mpsc::channel();
    let soaking = thread::spawn(move || {
        soak(seconds);
        let _ = done.send(());
    });
    let ended = wait.recv_timeout(Duration::from_secs(2 * seconds + 60));
    assert!(
        ended != Err(mpsc::RecvTimeoutError::Timeout),
        "the soak hangs"
    );
    if let Err(payload) = soaking.join() {
        panic::resume_unwind(payload);
    }
}

fn soak(seconds: u64) {
    let (mut dice, mut seen) = (Dice(0x9e37_79b9_7f4a_7c15), Seen::default());
    let begin = Instant::now();
    let mut warm = None;
    while begin.elapsed() < Duration::from_secs(seconds) {
        one_run(&mut dice, &mut seen);
        if warm.is_none() && seen.runs >= 200 {
            warm = Some((threads(), resident()));
        }
    }
    println!("pipelines, {seconds} s: {seen:?}");
    assert!(seen.runs > 0);
    let Some((threads_then, resident_then)) = warm else {
        return;
    };
    // Other threads of this process may come and go; a leak of each run would add up to thousands.
    let deadline = Instant::now() + Duration::from_secs(10);
    while threads() > threads_then + 100 {
        assert!(
            Instant::now() < deadline,
            "{threads_then} threads, and {} now",
            threads()
        );
        thread::sleep(Duration::from_millis(10));
    }
    let grown = resident().saturating_sub(resident_then);
    assert!(grown < 64 << 10, "{grown} KiB more than {resident_then}");
}
