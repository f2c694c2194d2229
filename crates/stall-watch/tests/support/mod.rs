//! Helpers of the tests.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod proc;
pub(crate) mod random;
mod waiting;

#[allow(unused_imports, reason = "each test binary uses a part of it")]
pub(crate) use waiting::{eventually, soak_time, threads_named, within_deadline};

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use effective_stall_watch::{Builder, Phase, Stall, StallWatch};

/// A threshold that no normal poll reaches on any machine, and that a test can wait for.
pub(crate) const THRESHOLD: Duration = Duration::from_millis(50);

/// Longer than any step of a test.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A watch of [`THRESHOLD`], and its reports.
pub(crate) fn listen() -> (Reports, StallWatch) {
    let reports = Reports::default();
    let watch = reports.listen(StallWatch::builder(THRESHOLD));
    (reports, watch)
}

/// The reports of a watch.
#[derive(Clone, Default)]
pub(crate) struct Reports(Arc<(Mutex<Vec<Stall>>, Condvar)>);

impl Reports {
    /// Builds a watch whose reports are collected here.
    pub(crate) fn listen(&self, builder: Builder) -> StallWatch {
        let reports = self.clone();
        builder
            .on_stall(move |stall| {
                reports.0.0.lock().unwrap().push(stall.clone());
                reports.0.1.notify_all();
            })
            .build()
            .unwrap()
    }

    pub(crate) fn all(&self) -> Vec<Stall> {
        self.0.0.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, phase: Phase) -> usize {
        let all = self.all();
        all.iter().filter(|stall| stall.phase == phase).count()
    }

    /// Blocks until there is such a report; fails if none comes.
    #[track_caller]
    pub(crate) fn wait_for(&self, mut wanted: impl FnMut(&Stall) -> bool) -> Stall {
        let (stalls, more) = &*self.0;
        let mut stalls = stalls.lock().unwrap();
        let deadline = Instant::now() + LONG;
        loop {
            if let Some(stall) = stalls.iter().find(|stall| wanted(stall)) {
                return stall.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no such report among {stalls:?}");
            stalls = more.wait_timeout(stalls, left).unwrap().0;
        }
    }

    /// Blocks until `count` stalls have begun.
    #[track_caller]
    pub(crate) fn wait_for_begun(&self, count: usize) {
        eventually(|| self.count(Phase::Began) >= count);
    }
}

/// A tokio runtime of two workers with the hooks of `watch`.
#[cfg(feature = "tokio")]
pub(crate) fn two_workers(watch: &StallWatch) -> tokio::runtime::Runtime {
    watch
        .configure(&mut tokio::runtime::Builder::new_multi_thread())
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap()
}

/// Whether a report is about the task of this name.
pub(crate) fn is_named(stall: &Stall, name: &str) -> bool {
    let task = stall.task.as_ref();
    task.is_some_and(|task| task.name.as_deref() == Some(name))
}

/// Spins until the condition holds; fails if it does not within a minute.
pub(crate) fn spin_until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LONG, "the condition did not become true");
        for _ in 0..1_000 {
            std::hint::spin_loop();
        }
    }
}
