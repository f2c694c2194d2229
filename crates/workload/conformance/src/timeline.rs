//! The checks of a model's timeline: what the untimed trace says of when and where tasks ran.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use workload::definition::{Pattern, parse};
use workload::inputs::{Inputs, make};
use workload::kernels::Call;
use workload::model::{Batch, Model};
use workload::protocol::{Concurrency, Variant};
use workload::task::Surroundings;
use workload::timeline::Timeline;
use workload::trace::Trace;

use crate::checks::{WORKERS, alone, calling, variants};

const TASKS: usize = 12;

/// The timeline of a sample of these inputs, which is one that the comparison accepts; `None` if
/// the model does not support them.
pub fn timeline(
    model: &impl Model,
    variant: &str,
    inputs: &Inputs,
    surroundings: &Surroundings,
) -> Option<Timeline> {
    model.supports(variant, &inputs.header).ok()?;
    let mut ready = model
        .prepare(variant, inputs, WORKERS)
        .expect("the model gets ready");
    let batch = Batch::new(Arc::new(inputs.clone()), surroundings.clone());
    let trace = Arc::new(Trace::start(batch.len()));
    let outputs = model.run(&mut ready, &Arc::new(batch.traced(Arc::clone(&trace))));
    let timeline = trace.timeline();
    assert!(outputs.iter().all(Result::is_ok), "{outputs:?}");
    assert_eq!(timeline.check(), Ok(()), "variant `{variant}`");
    Some(timeline)
}

/// The threads that tasks ran on, each by process and number.
pub fn threads_of(timeline: &Timeline) -> BTreeSet<(u32, u32)> {
    let lanes = timeline.lanes.iter();
    lanes.map(|lane| (lane.process, lane.thread)).collect()
}

/// The most tasks at once, on all threads or on one.
pub fn most_at_once(timeline: &Timeline, on: Option<(u32, u32)>) -> usize {
    let lanes = timeline.lanes.iter();
    let lanes = lanes.filter(|lane| on.is_none_or(|on| on == (lane.process, lane.thread)));
    let spans: Vec<(u64, u64, u32)> = lanes.flat_map(|lane| lane.spans.clone()).collect();
    let at = |time: u64| {
        let running = spans
            .iter()
            .filter(|(from, to, _)| (*from..*to).contains(&time));
        running.count()
    };
    let most = spans.iter().map(|(start, ..)| at(*start)).max();
    most.unwrap_or(0)
}

/// Inputs of tasks that any process can do.
pub fn waiting(tasks: usize, pattern: &str, steps: &str) -> Inputs {
    let text = format!("name = \"waiting\"\ntasks = {tasks}\npattern = {pattern}\n{steps}");
    make(&parse(&text, "waiting").expect("it is right"), 1)
}

/// The timeline has as many tasks as ran, with every pattern.
pub fn timeline_has_every_task(model: &impl Model, _: usize) {
    let _turn = alone();
    let folder = crate::files::Folder::new();
    let origin = crate::origin::Origin::start();
    let surroundings = Surroundings {
        files: folder.path().to_owned(),
        origin: Some(origin.address()),
        logs: std::env::temp_dir(),
        job: workload::job::Loaded::default(),
    };
    const WAIT: &str = "[[step]]\nwait = \"1ms\"\n";
    const STAGES: &str =
        "[[step]]\nwait = \"1ms\"\nstage = 0\n[[step]]\nwait = \"1ms\"\nstage = 1\n";
    for (pattern, steps, times) in [
        ("\"map\"", WAIT, 1),
        ("\"fold\"", WAIT, 1),
        ("\"fold\"\nfold.keys = 3", WAIT, 1),
        ("\"rounds\"\nrounds.generations = 3", WAIT, 3),
        (
            "\"merge\"",
            "[[step]]\ntail = \"1KiB\"\nover = \"2ms\"\n",
            1,
        ),
        ("\"pipeline\"\npipeline.buffer = 2", STAGES, 1),
    ] {
        let inputs = waiting(TASKS, pattern, steps);
        for variant in variants(model) {
            let found = timeline(model, &variant.name, &inputs, &surroundings);
            let Some(found) = found else { continue };
            let stages: BTreeSet<_> = found.lanes.iter().map(|lane| lane.stage).collect();
            let in_stages = stages == BTreeSet::from([Some(0), Some(1)]);
            let times = if in_stages { 2 } else { times };
            assert!(in_stages || stages == BTreeSet::from([None]), "{found:?}");
            let shown: u64 = found
                .lanes
                .iter()
                .flat_map(|lane| &lane.spans)
                .map(|span| u64::from(span.2))
                .sum();
            assert_eq!(
                (found.tasks, shown),
                (times * TASKS as u64, times * TASKS as u64),
                "{pattern} by variant `{}`: {found:?}",
                variant.name
            );
        }
    }
}

/// Tasks that wait overlap in the timeline as often as the variant declares, and never more often.
pub fn timeline_shows_the_declared_concurrency(model: &impl Model, _: usize) {
    let _turn = alone();
    for variant in variants(model) {
        let announced = announced(&variant);
        // On a busy machine the first tasks may end before the last begin. Then it tries longer
        // ones.
        for wait in ["20ms", "200ms", "2s"] {
            let steps = format!("[[step]]\nwait = \"{wait}\"\n");
            let inputs = waiting(TASKS, "\"map\"", &steps);
            let found = timeline(model, &variant.name, &inputs, &Surroundings::default());
            let Some(found) = found else { break };
            let most = most_at_once(&found, None);
            assert!(
                most <= announced && (most == announced || wait != "2s"),
                "variant `{}` shows {most} at once, not {announced}: {found:?}",
                variant.name
            );
            if most == announced {
                break;
            }
        }
    }
}

fn announced(variant: &Variant) -> usize {
    match variant.concurrency {
        Concurrency::One => 1,
        Concurrency::Workers => WORKERS,
        Concurrency::Tasks => TASKS,
        Concurrency::Limited(limit) => limit.min(TASKS),
    }
}

/// Tasks that block their threads at the same time are on different threads in the timeline, unless
/// they overlap on the one that polled them first.
pub fn timeline_shows_the_threads(model: &impl Model, _: usize) {
    static LIVE: AtomicUsize = AtomicUsize::new(0);
    static PEAK: AtomicUsize = AtomicUsize::new(0);
    fn block(_: Call<'_>) -> u64 {
        PEAK.fetch_max(LIVE.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(5));
        LIVE.fetch_sub(1, Ordering::SeqCst);
        0
    }
    let _turn = alone();
    for variant in variants(model) {
        PEAK.store(0, Ordering::SeqCst);
        let inputs = calling(block, TASKS, Pattern::Map);
        let found = timeline(model, &variant.name, &inputs, &Surroundings::default());
        let Some(found) = found else { continue };
        let peak = PEAK.load(Ordering::SeqCst);
        let most = most_at_once(&found, None);
        assert!(peak <= most, "{peak} at once, not {most}: {found:?}");
        let threads = threads_of(&found);
        let shares = threads.iter().any(|on| most_at_once(&found, Some(*on)) > 1);
        assert!(
            threads.len() >= peak || shares,
            "variant `{}` had {peak} at once on {threads:?}: {found:?}",
            variant.name
        );
    }
}
