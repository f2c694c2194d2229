//! `child-process` against its rivals in one run: start and wait, capture a line, capture 16 MiB,
//! run many at once.
//!
//! This crate always has a time limit set, since that is a main reason to use it. The rivals have
//! none, so that they are as fast as they can be.

use std::iter;
use std::num::NonZeroUsize;
use std::process::{Command as Std, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use effective_child_process::{Command, Finished, Many, Output};
use tokio::process::Command as Tokio;
use tokio::runtime::{Builder, Runtime};
use workload_rivals::{Contest, Settings, timed};

const LIMIT: Duration = Duration::from_secs(60);
const STARTS: u64 = 40;
const MUCH: usize = 16 << 20;
/// The number of captures per round. A single one would be too short against the noise.
const CAPTURES: u64 = 4;
const CHILDREN: usize = 1_000;
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(8).unwrap();

fn main() {
    let settings = Settings::from_args();
    start_and_wait(&settings);
    capture_a_line(&settings);
    capture_much(&settings);
    many_at_once(&settings);
    many_at_once_as_futures(&settings);
}

fn times(mut work: impl FnMut()) -> Duration {
    timed(|| (0..STARTS).for_each(|_| work()))
}

fn tokio() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

fn quiet(command: &mut Std) -> &mut Std {
    command.stdin(Stdio::null())
}

fn start_and_wait(settings: &Settings) {
    let runtime = tokio();
    let ours = Command::new("true")
        .stdout(Output::Inherit)
        .stderr(Output::Inherit)
        .time_limit(LIMIT);
    Contest::new("start `true` and wait for it", "child", STARTS)
        .ours("child-process, with a time limit", || {
            times(|| assert!(ours.run().expect("true").success()))
        })
        .rival("std", || {
            times(|| {
                assert!(
                    quiet(&mut Std::new("true"))
                        .status()
                        .expect("true")
                        .success()
                );
            })
        })
        .rival("tokio", || {
            times(|| {
                let status = runtime
                    .block_on(async { Tokio::new("true").stdin(Stdio::null()).status().await });
                assert!(status.expect("true").success());
            })
        })
        .rival("duct", || {
            times(|| {
                assert!(
                    duct::cmd!("true")
                        .stdin_null()
                        .run()
                        .expect("true")
                        .status
                        .success()
                );
            })
        })
        .reach(1.05, "std")
        .run(settings);
}

fn capture_a_line(settings: &Settings) {
    let runtime = tokio();
    let ours = Command::new("echo").arg("line").time_limit(LIMIT);
    Contest::new("capture a line", "child", STARTS)
        .ours("child-process, with a time limit", || {
            times(|| assert_eq!(ours.run().expect("echo").stdout, b"line\n"))
        })
        .rival("std", || {
            times(|| {
                let mut command = Std::new("echo");
                let output = quiet(command.arg("line")).output().expect("echo");
                assert_eq!(output.stdout, b"line\n");
            })
        })
        .rival("tokio", || {
            times(|| {
                let output = runtime.block_on(async {
                    Tokio::new("echo")
                        .arg("line")
                        .stdin(Stdio::null())
                        .output()
                        .await
                });
                assert_eq!(output.expect("echo").stdout, b"line\n");
            })
        })
        .rival("duct", || {
            times(|| {
                let echo = duct::cmd!("echo", "line").stdin_null();
                let output = echo.stdout_capture().stderr_capture().run().expect("echo");
                assert_eq!(output.stdout, b"line\n");
            })
        })
        .rival("async-process", || {
            times(|| {
                let mut command = async_process::Command::new("echo");
                let output = command.arg("line").stdin(Stdio::null()).output();
                let output = futures::executor::block_on(output).expect("echo");
                assert_eq!(output.stdout, b"line\n");
            })
        })
        .reach(1.05, "std")
        .run(settings);
}

fn captures(mut work: impl FnMut()) -> Duration {
    timed(|| (0..CAPTURES).for_each(|_| work()))
}

fn capture_much(settings: &Settings) {
    let runtime = tokio();
    let (count, much) = (MUCH.to_string(), CAPTURES * MUCH as u64);
    let ours = Command::new("head")
        .args(["-c", &count, "/dev/zero"])
        .time_limit(LIMIT);
    Contest::new("capture 16 MiB", "byte", much)
        .ours("child-process, with a time limit", || {
            captures(|| assert_eq!(ours.run().expect("head").stdout.len(), MUCH))
        })
        .rival("std", || {
            captures(|| {
                let mut command = Std::new("head");
                let command = quiet(command.args(["-c", &count, "/dev/zero"]));
                assert_eq!(command.output().expect("head").stdout.len(), MUCH);
            })
        })
        .rival("tokio", || {
            captures(|| {
                let output = runtime.block_on(async {
                    let mut command = Tokio::new("head");
                    let command = command.args(["-c", &count, "/dev/zero"]);
                    command.stdin(Stdio::null()).output().await
                });
                assert_eq!(output.expect("head").stdout.len(), MUCH);
            })
        })
        .rival("duct", || {
            captures(|| {
                let head = duct::cmd!("head", "-c", &count, "/dev/zero").stdin_null();
                let output = head.stdout_capture().stderr_capture().run().expect("head");
                assert_eq!(output.stdout.len(), MUCH);
            })
        })
        .rival("async-process", || {
            captures(|| {
                let mut command = async_process::Command::new("head");
                let command = command.args(["-c", &count, "/dev/zero"]);
                let output = command.stdin(Stdio::null()).output();
                let output = futures::executor::block_on(output).expect("head");
                assert_eq!(output.stdout.len(), MUCH);
            })
        })
        .reach(1.03, "std")
        .run(settings);
}

/// [`AT_ONCE`] threads that each run one child after another.
fn std_on_threads() {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.get() {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::Relaxed) < CHILDREN {
                    let mut command = Std::new("true");
                    assert!(quiet(&mut command).output().expect("true").status.success());
                }
            });
        }
    });
}

fn many_at_once(settings: &Settings) {
    let runtime = tokio();
    let command = Command::new("true");
    let many = Many::new().limit(AT_ONCE).deadline(LIMIT);
    Contest::new("1,000 children, 8 at a time", "child", CHILDREN as u64)
        .ours("child-process, one call", || {
            timed(|| {
                let results = many.map(iter::repeat_n(command.clone(), CHILDREN));
                assert!(
                    results
                        .iter()
                        .all(|result| result.as_ref().is_ok_and(Finished::success))
                );
            })
        })
        .rival("std on 8 threads", || timed(std_on_threads))
        .rival("tokio, one thread", || {
            timed(|| {
                let local = tokio::task::LocalSet::new();
                let next = std::rc::Rc::new(std::cell::Cell::new(0));
                local.block_on(&runtime, async {
                    let tasks: Vec<_> = (0..AT_ONCE.get())
                        .map(|_| {
                            let next = std::rc::Rc::clone(&next);
                            tokio::task::spawn_local(async move {
                                while next.replace(next.get() + 1) < CHILDREN {
                                    let mut command = Tokio::new("true");
                                    let output = command.stdin(Stdio::null()).output().await;
                                    assert!(output.expect("true").status.success());
                                }
                            })
                        })
                        .collect();
                    for task in tasks {
                        task.await.expect("a task");
                    }
                });
            })
        })
        .reach(1.08, "std on 8 threads")
        .run(settings);
}

fn many_at_once_as_futures(settings: &Settings) {
    let command = Command::new("true").time_limit(LIMIT);
    let many = Many::new().limit(AT_ONCE).deadline(LIMIT);
    Contest::new("1,000 children as a future", "child", CHILDREN as u64)
        .ours("child-process, map_async", || {
            timed(|| {
                let commands = iter::repeat_n(command.clone(), CHILDREN);
                let results = futures::executor::block_on(many.map_async(commands));
                assert!(
                    results
                        .iter()
                        .all(|result| result.as_ref().is_ok_and(Finished::success))
                );
            })
        })
        .ours("child-process, a future each", || {
            timed(|| {
                use futures::StreamExt as _;
                let all = futures::stream::iter(0..CHILDREN)
                    .map(|_| command.run_async())
                    .buffer_unordered(AT_ONCE.get())
                    .all(|result| async move { result.is_ok_and(|finished| finished.success()) });
                assert!(futures::executor::block_on(all));
            })
        })
        .rival("std on 8 threads", || timed(std_on_threads))
        .run(settings);
}
