//! An idle pipeline uses no CPU.
#![cfg(target_os = "linux")]

mod support;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use effective_pipeline::Pipeline;
use support::{eventually, threads_named, within_deadline};

/// The CPU time so far of the threads whose name starts with `prefix`, and of the source.
fn cpu_time(prefix: &str) -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| {
            let folder = task.ok()?.path();
            let name = std::fs::read_to_string(folder.join("comm")).ok()?;
            if !name.starts_with(prefix) && name.trim() != "inputs" {
                return None;
            }
            // Nanoseconds on a CPU, nanoseconds waiting for one, time slices.
            let schedule = std::fs::read_to_string(folder.join("schedstat")).ok()?;
            schedule.split(' ').next()?.parse().ok()
        })
        .map(Duration::from_nanos)
        .sum()
}

#[test]
fn waiting_threads_use_no_cpu() {
    within_deadline(|| {
        // Waits for items.
        let (send, inputs) = mpsc::channel::<u64>();
        let hungry = Pipeline::new()
            .stage("parked-hungry", 3, |n| n)
            .spawn(inputs)
            .unwrap();
        // Waits for room.
        let full = Pipeline::new()
            .stage("parked-full", 3, |n: u64| n)
            .spawn(0..)
            .unwrap();
        eventually(|| threads_named("parked-") == 6);
        thread::sleep(Duration::from_millis(200));
        let before = cpu_time("parked-");
        assert!(before > Duration::ZERO);
        thread::sleep(Duration::from_secs(1));
        let used = cpu_time("parked-") - before;
        assert!(used < Duration::from_millis(50), "{used:?} of a second");
        drop((send, hungry, full));
    });
}
