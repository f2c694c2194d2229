//! Time in which the process does not run: a CPU quota, and a process that is stopped repeatedly.
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use effective_stall_watch::StallWatch;
use support::{Reports, is_named, within_deadline};

/// A cgroup with a CPU quota, for one test. Removed when dropped.
struct Group(PathBuf);

impl Group {
    /// Creates a group with a quota per 100 ms. The error says why that is impossible.
    fn new(name: &str, quota: Duration) -> Result<Self, String> {
        let name = format!("stall-watch-test-{name}-{}", std::process::id());
        let quota = quota.as_micros();
        let mut reasons = String::new();
        for (parent, limits) in [
            (
                "/sys/fs/cgroup/cpu",
                vec![
                    ("cpu.cfs_period_us", "100000".to_owned()),
                    ("cpu.cfs_quota_us", quota.to_string()),
                ],
            ),
            (
                "/sys/fs/cgroup/cpu,cpuacct",
                vec![
                    ("cpu.cfs_period_us", "100000".to_owned()),
                    ("cpu.cfs_quota_us", quota.to_string()),
                ],
            ),
            (
                "/sys/fs/cgroup",
                vec![("cpu.max", format!("{quota} 100000"))],
            ),
        ] {
            let group = Path::new(parent).join(&name);
            if !Path::new(parent).join("cgroup.procs").exists() {
                continue;
            }
            let made = fs::create_dir(&group).map(|()| Self(group.clone()));
            let set = |group: Self| {
                for (file, limit) in &limits {
                    // Not `fs::write`, which would create a file on a file system that allows it.
                    let mut file = fs::OpenOptions::new()
                        .write(true)
                        .open(group.0.join(file))?;
                    file.write_all(limit.as_bytes())?;
                }
                Ok(group)
            };
            match made.and_then(set) {
                Ok(group) => return Ok(group),
                Err(error) => reasons += &format!("; {parent}: {error}"),
            }
        }
        Err(format!("no cpu controller that this user may use{reasons}"))
    }

    fn add(&self, child: &Child) {
        fs::write(self.0.join("cgroup.procs"), child.id().to_string()).unwrap();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Busy until its last process has been reaped.
        for _ in 0..1_000 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Starts one of the tests below that are ignored, which waits for a line.
fn child(name: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn wait_for_line() {
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

/// The CPU time of the current thread.
fn ran() -> Duration {
    let figures = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let ran = figures.split(' ').next().unwrap().parse().unwrap();
    Duration::from_nanos(ran)
}

fn run_for(time: Duration) {
    let end = ran() + time;
    while ran() < end {
        for _ in 0..10_000 {
            std::hint::spin_loop();
        }
    }
}

#[test]
#[ignore = "started by the test below, in a process of its own"]
fn under_a_quota() {
    wait_for_line();
    for threshold in [100, 200] {
        let reports = Reports::default();
        let watch = reports.listen(StallWatch::builder(Duration::from_millis(threshold)));
        let honest = watch.named("honest");
        for _ in 0..6 {
            honest.run(|| run_for(Duration::from_millis(50)));
        }
        watch.assert_none();
        #[cfg(feature = "tokio")]
        unwrapped_under_a_quota(&watch);
        watch.named("asleep").run(|| {
            reports.wait_for(|stall| is_named(stall, "asleep"));
        });
        watch.named("spins").run(|| {
            while !reports.all().iter().any(|stall| is_named(stall, "spins")) {
                run_for(Duration::from_millis(1));
            }
        });
    }
    writeln!(std::io::stderr(), "done").unwrap();
}

/// Honest polls in a runtime that is watched as a whole.
#[cfg(feature = "tokio")]
fn unwrapped_under_a_quota(watch: &StallWatch) {
    let runtime = watch
        .configure(&mut tokio::runtime::Builder::new_multi_thread())
        .worker_threads(2)
        .event_interval(1)
        .enable_time()
        .build()
        .unwrap();
    let _watched = watch.runtime(runtime.handle().clone());
    // A thread's wait is known once its worker is, that is, after all have parked.
    runtime.block_on(async {
        for _ in 0..20 {
            tokio::spawn(tokio::time::sleep(Duration::from_millis(5)))
                .await
                .unwrap();
        }
    });
    let honest = runtime.spawn(async {
        for _ in 0..4 {
            run_for(Duration::from_millis(50));
            tokio::task::yield_now().await;
        }
    });
    runtime.block_on(honest).unwrap();
    watch.assert_none();
}

#[test]
fn cpu_quota_is_no_stall() {
    within_deadline(|| {
        let group = match Group::new("quota", Duration::from_millis(20)) {
            Ok(group) => group,
            Err(reason) => {
                eprintln!("skipped: {reason}");
                return;
            }
        };
        let mut child = child("under_a_quota");
        group.add(&child);
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
        let output = child.wait_with_output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && words.contains("done"), "{words}");
    });
}

#[test]
#[ignore = "started by the test below, in a process of its own"]
fn stopped_in_slices() {
    let reports = Reports::default();
    // Twice the length of an honest poll: on a busy machine it wakes late.
    let watch = reports.listen(StallWatch::builder(Duration::from_millis(720)));
    writeln!(std::io::stderr(), "ready").unwrap();
    for _ in 0..6 {
        // May end while the process is stopped, so that it appears longer than it was.
        watch.named("honest").run(|| {
            thread::sleep(Duration::from_millis(350));
            thread::sleep(Duration::from_millis(10));
        });
    }
    watch.assert_none();
    watch.named("stuck").run(|| {
        reports.wait_for(|stall| is_named(stall, "stuck"));
    });
    writeln!(std::io::stderr(), "done").unwrap();
}

#[test]
fn process_stopped_in_slices_is_no_stall() {
    within_deadline(|| {
        let mut child = child("stopped_in_slices");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        let words = thread::spawn(move || lines.map(Result::unwrap).collect::<Vec<_>>());
        // Each stop is shorter than half the threshold.
        let line = format!(
            "while kill -STOP {0} 2>/dev/null; do sleep 0.18; kill -CONT {0}; sleep 0.05; done",
            child.id()
        );
        let mut slices = Command::new("sh").args(["-c", &line]).spawn().unwrap();
        let words = words.join().unwrap();
        slices.kill().unwrap();
        slices.wait().unwrap();
        let resume = format!("kill -CONT {}", child.id());
        Command::new("sh").args(["-c", &resume]).status().unwrap();
        assert!(child.wait().unwrap().success(), "{words:?}");
        assert_eq!(words.last().map(String::as_str), Some("done"), "{words:?}");
    });
}
