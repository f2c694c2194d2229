//! What several tests need.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use effective_stall_watch::{Builder, Phase, Stall, StallWatch};

/// A threshold that an honest poll stays under on any machine, and that a test can wait for.
pub(crate) const THRESHOLD: Duration = Duration::from_millis(50);

/// Nothing here takes so long.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Runs `f` and fails, instead of hanging, when it takes longer than any machine needs for it.
pub(crate) fn within_deadline<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, wait) = mpsc::channel();
    let thread = thread::spawn(move || {
        let value = f();
        // The receiver is gone only after the deadline.
        let _ = done.send(());
        value
    });
    match wait.recv_timeout(Duration::from_secs(300)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("hangs"),
        Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => match thread.join() {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic),
        },
    }
}

/// Waits until `condition` holds; fails when it does not come to.
#[track_caller]
pub(crate) fn eventually(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LONG, "the condition never came to hold");
        thread::sleep(Duration::from_millis(1));
    }
}

/// How many threads this process has.
#[cfg(target_os = "linux")]
pub(crate) fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// What a watch has reported.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<(Mutex<Vec<Stall>>, Condvar)>);

impl Heard {
    /// A watch that is heard.
    pub(crate) fn listen(&self, builder: Builder) -> StallWatch {
        let heard = self.clone();
        builder
            .on_stall(move |stall| {
                heard.0.0.lock().unwrap().push(stall.clone());
                heard.0.1.notify_all();
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

    /// Blocks until there is such a report; fails when none comes.
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

    /// Blocks until so many have begun.
    #[track_caller]
    pub(crate) fn wait_for_begun(&self, count: usize) {
        eventually(|| self.count(Phase::Began) >= count);
    }
}

/// Whether a report is about the task of this name.
pub(crate) fn is_named(stall: &Stall, name: &str) -> bool {
    let task = stall.task.as_ref();
    task.is_some_and(|task| task.name.as_deref() == Some(name))
}

/// Uses the CPU until the condition holds; gives up when it never does.
pub(crate) fn spin_until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LONG, "spins in vain");
        for _ in 0..1_000 {
            std::hint::spin_loop();
        }
    }
}
