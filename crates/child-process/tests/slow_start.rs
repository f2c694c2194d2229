//! A program that takes seconds to start, as on a slow network disk.

mod support;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::num::NonZeroUsize;
use std::process::{Child, Command as StdCommand, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use effective_child_process::{Command, Error, Many};
use futures::executor::block_on;
use futures::future::join;
use support::mark::Mark;
use support::temp_dir::TempDir;
use support::{has, within};

const LIMIT: Duration = Duration::from_secs(60);

/// Holds a lease on a file: opening the file blocks until the lease is released.
const LEASE: &str = "import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
file = os.open(sys.argv[1], os.O_RDONLY)
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print('held', flush=True)
signal.pause()";

/// A program whose `execve` blocks until this is dropped.
struct SlowProgram {
    holder: Child,
    dir: TempDir,
}

impl SlowProgram {
    /// `None`, with a message, if this system does not support it.
    fn new() -> Option<Self> {
        if !has("python3") {
            return None;
        }
        let dir = TempDir::new();
        let program = dir.path().join("true");
        fs::copy("/bin/true", &program).unwrap();
        let mut holder = StdCommand::new("python3");
        holder.args(["-c", LEASE]).arg(program);
        holder
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut holder = holder.spawn().unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(holder.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let slow = Self { holder, dir };
        if line != "held\n" {
            println!("skipped: no lease on a file in {:?}", slow.dir.path());
            return None;
        }
        Some(slow)
    }

    fn command(&self) -> Command {
        Command::new(self.dir.path().join("true"))
    }
}

impl Drop for SlowProgram {
    fn drop(&mut self) {
        // Closing its input would not do: the children being started hold that pipe too.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// Runs a test with a slow program, which starts once `released` holds.
fn with_a_slow_program(
    released: impl Fn() -> bool + Send + 'static,
    test: impl FnOnce(Command) + Send + 'static,
) {
    within(LIMIT, move || {
        let Some(slow) = SlowProgram::new() else {
            return;
        };
        let command = slow.command();
        let waiter = thread::spawn(move || {
            // A lease lasts 45 seconds at most.
            let patience = Instant::now() + LIMIT / 2;
            while !released() && Instant::now() < patience {
                thread::sleep(Duration::from_millis(5));
            }
            let in_time = Instant::now() < patience;
            drop(slow);
            in_time
        });
        test(command);
        assert!(
            waiter.join().unwrap(),
            "the time limit held before the slow program started"
        );
    });
}

/// A command that runs into its time limit.
fn limited(mark: &Mark) -> Command {
    let command = mark.on(Command::new("sleep").arg("600"));
    command
        .time_limit(Duration::from_secs(1))
        .grace(Duration::ZERO)
}

/// Holds once a process with the mark has appeared and ended.
fn came_and_went(mark: Mark) -> impl Fn() -> bool {
    let seen = std::cell::Cell::new(false);
    move || {
        let lives = !mark.living().is_empty();
        seen.set(seen.get() || lives);
        seen.get() && !lives
    }
}

fn was_ended(result: &Result<effective_child_process::Finished, Error>) -> bool {
    matches!(result, Err(Error::TimedOut { .. }))
}

#[test]
fn time_limit_of_future_holds_during_slow_start() {
    let mark = Mark::new();
    let limited = limited(&mark);
    with_a_slow_program(came_and_went(mark), move |slow| {
        let both = join(slow.run_async(), limited.run_async());
        let (slow, limited) = block_on(both);
        assert!(slow.unwrap().success());
        assert!(was_ended(&limited), "{limited:?}");
    });
}

#[test]
fn future_starts_during_many_slow_starts() {
    let mark = Mark::new();
    let limited = limited(&mark);
    with_a_slow_program(came_and_went(mark), move |slow| {
        let slow = futures::future::join_all((0..5).map(|_| slow.run_async()));
        let (slow, limited) = block_on(join(slow, limited.run_async()));
        assert!(slow.into_iter().all(|slow| slow.unwrap().success()));
        assert!(was_ended(&limited), "{limited:?}");
    });
}

#[test]
fn time_limits_in_list_hold_during_slow_start() {
    for in_future in [false, true] {
        let mark = Mark::new();
        let commands = [limited(&mark), limited(&mark), limited(&mark)];
        with_a_slow_program(came_and_went(mark), move |slow| {
            let commands = commands.into_iter().chain([slow]);
            let many = Many::new().limit(NonZeroUsize::new(8).unwrap());
            let results = if in_future {
                block_on(many.map_async(commands))
            } else {
                many.map(commands)
            };
            assert!(results[..3].iter().all(was_ended), "{results:?}");
            assert!(results[3].as_ref().unwrap().success());
        });
    }
}

#[test]
fn time_limit_of_stage_holds_during_slow_start() {
    for in_future in [false, true] {
        let mark = Mark::new();
        let first = limited(&mark);
        with_a_slow_program(came_and_went(mark), move |slow| {
            let pipeline = first.pipe(slow).pipe(Command::new("cat"));
            let piped = if in_future {
                block_on(pipeline.run_async())
            } else {
                pipeline.run()
            };
            assert!(was_ended(&piped.stages[0]), "{piped:?}");
            assert!(piped.stages[1].as_ref().unwrap().success());
            assert!(piped.stages[2].as_ref().unwrap().success());
        });
    }
}
