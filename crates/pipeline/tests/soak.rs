//! Pipelines at full load with random errors, panics, stops, deadlines, and consumers that leave or
//! panic, for `SOAK_SECONDS` (1 by default). Every item is accounted for, and no threads or memory
//! are left behind.

mod support;

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use effective_pipeline::{BuildError, Counts, KeepGoing, Pipeline, PipelineError};
use support::proc::{live_threads, resident_kib};
use support::{Random, eventually, quiet, soak_time, within};

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

fn stages(random: &mut Random, fate: &Fate) -> Pipeline<'static, u64, Item> {
    let mut workers = || 1 + random.below(3) as usize;
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
        .buffer(1 + random.below(40) as usize);
    match random.below(2) {
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

fn one_run(random: &mut Random, seen: &mut Seen) {
    let items = 1 + random.below(3_000);
    let fate = Fate {
        // Twice as many sides as items: half of the runs do not fail.
        fails: random.below(2 * items),
        panics: random.below(2 * items),
        items,
    };
    let mut pipeline = stages(random, &fate);
    if random.below(6) == 0 {
        pipeline = pipeline.deadline(Duration::from_micros(random.below(2_000)));
    }
    let handle = pipeline.handle();
    seen.runs += 1;
    let mut delivered = 0;
    let takes = if random.below(4) == 0 {
        random.below(items)
    } else {
        u64::MAX
    };
    let stops = (random.below(6) == 0).then(|| random.below(1_000));
    let go_on = random.below(3) == 0;
    let explodes = random.below(8) == 0;
    let background = random.below(2) == 0;
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

#[test]
fn pipelines_lose_no_item_and_leave_no_thread() {
    quiet();
    let time = soak_time();
    within(2 * time + Duration::from_secs(60), move || soak(time));
}

fn soak(time: Duration) {
    let (mut random, mut seen) = (Random(1), Seen::default());
    let begin = Instant::now();
    let mut warm = None;
    while begin.elapsed() < time {
        one_run(&mut random, &mut seen);
        if warm.is_none() && seen.runs >= 200 && cfg!(target_os = "linux") {
            warm = Some((live_threads(), resident_kib()));
        }
    }
    println!("pipelines, {time:?}: {seen:?}");
    assert!(seen.runs > 0);
    let Some((threads_then, resident_then)) = warm else {
        return;
    };
    // Other threads of this process may come and go; a leak of each run would add up to thousands.
    eventually(|| live_threads() <= threads_then + 100);
    let grown = resident_kib().saturating_sub(resident_then);
    assert!(grown < 64 << 10, "{grown} KiB more than {resident_then}");
}
