//! The deeds of a contestant that tries to win without doing the work.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use workload::inputs::{Inputs, Step};
use workload::model::Batch;
use workload::protocol::{Reply, Sample};
use workload::serve::{Order, listen};
use workload::usage;

use super::honest::Honest;

/// The cost of each task with the deed `dear`.
const DEAR: Duration = Duration::from_millis(4);

/// The time that the deed `remembered` sleeps instead of working.
const PRETENCE: Duration = Duration::from_millis(60);

/// The first sleep of the deed `drowsy`.
const DROWSY: Duration = Duration::from_millis(500);

/// The reply of a cheat, or `None` if the deed is not a cheat.
pub(crate) fn reply(what: &str, honest: &Honest) -> Option<Reply> {
    let start = Instant::now();
    let digest = match what {
        "overlapping" => {
            let inputs = honest.batch().inputs();
            let longest = inputs
                .tasks
                .iter()
                .map(workload::inputs::Task::waiting_ns)
                .max();
            sleep(Duration::from_nanos(longest.unwrap_or(0)));
            Honest::digest_of(&without_waits(honest))
        }
        "remembered" => {
            sleep(PRETENCE);
            honest
                .remembered
                .expect("it was computed when it was loaded")
        }
        // The work of the sample is done by an orphan.
        "orphaned" => {
            super::deeds::burn_in_an_orphan();
            honest
                .remembered
                .expect("it was computed when it was loaded")
        }
        "dear" => {
            let tasks = u32::try_from(honest.batch().len()).expect("fits in 32 bits");
            sleep(DEAR * tasks);
            Honest::digest_of(honest.batch())
        }
        // A fifth of the CPU time, which does not depend on how busy the machine is.
        "fifth" => {
            let before = usage::at_begin();
            let digest = Honest::digest_of(honest.batch());
            let used = usage::between(before, usage::at_end());
            return Some(claim(digest, Duration::from_nanos(used.cpu_ns / 5)));
        }
        // It does the work, claims a fifth of it, and lets more time pass at each try.
        "drowsy" => {
            let before = usage::at_begin();
            let digest = Honest::digest_of(honest.batch());
            let used = usage::between(before, usage::at_end());
            sleep(DROWSY * 4u32.pow(honest.samples - 1));
            return Some(claim(digest, Duration::from_nanos(used.cpu_ns / 5)));
        }
        "late_reply" => {
            let digest = Honest::digest_of(honest.batch());
            let took = start.elapsed();
            sleep(took * 2);
            return Some(claim(digest, took));
        }
        "second_long" => {
            sleep(Duration::from_secs(1));
            Honest::digest_of(honest.batch())
        }
        "unserved" => Honest::digest_of(honest.batch()),
        "second" => {
            let served = honest.served(true);
            order(honest, "127.0.0.1:9");
            return Some(served);
        }
        "elsewhere" => {
            order(honest, "192.0.2.1:9");
            return Some(honest.served(true));
        }
        _ => return None,
    };
    Some(claim(digest, start.elapsed()))
}

fn claim(digest: u64, wall: Duration) -> Reply {
    Reply::Sample(Sample {
        digest,
        wall_ns: u64::try_from(wall.as_nanos()).expect("fits in 64 bits"),
        usage: None,
        metrics: Default::default(),
    })
}

/// Orders requests before the sample, for an unrelated server.
pub(crate) fn order_early(honest: &Honest) {
    let listener = listen().expect("a port");
    let server = listener.local_addr().expect("bound");
    let order = Order {
        inputs: PathBuf::from("/dev/null"),
        server,
    };
    // It may be refused at once or later.
    let _ = order.send(honest.requests.expect("the program `requests`"));
}

fn order(honest: &Honest, server: &str) {
    let order = Order {
        inputs: honest.inputs.clone(),
        server: server.parse().expect("an address"),
    };
    let ordered = order
        .send(honest.requests.expect("the program `requests`"))
        .expect("it listens");
    let _ = ordered.report(Duration::from_secs(30));
}

fn without_waits(honest: &Honest) -> Arc<Batch> {
    let batch = honest.batch();
    let mut inputs: Inputs = batch.inputs().clone();
    for step in inputs.tasks.iter_mut().flat_map(|task| &mut task.steps) {
        if let Step::Wait { ns } = step {
            *ns = 0;
        }
    }
    Arc::new(Batch::new(Arc::new(inputs), batch.surroundings().clone()))
}
