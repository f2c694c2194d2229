//! Threads and descriptors that the system refuses. This file has one test, since the limits apply
//! to the whole program.

mod support;

use std::fs;
use std::num::NonZeroUsize;
use std::time::Duration;

use effective_child_process::{Command, Error, Input, Many, Output};
use futures::executor::block_on;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use support::temp_dir::TempDir;
use support::{sh, within};

/// Calls `act` under a lower limit.
fn limited<R>(resource: Resource, most: u64, act: impl FnOnce() -> R) -> R {
    let before = getrlimit(resource);
    let lower = Rlimit {
        current: Some(most),
        ..before
    };
    setrlimit(resource, lower).expect("a lower limit");
    let result = act();
    setrlimit(resource, before).expect("the earlier limit");
    result
}

fn address_space() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("/proc");
    let pages: u64 = statm
        .split(' ')
        .next()
        .and_then(|pages| pages.parse().ok())
        .expect("a number");
    pages * rustix::param::page_size() as u64
}

#[test]
fn refused_start_is_an_error_and_nothing_runs_twice() {
    within(Duration::from_secs(100), || {
        // Not enough for the stack of another thread.
        let most = address_space() + (1 << 20);
        let (error, list, piped) = limited(Resource::As, most, || {
            let command = Command::new("true");
            (
                block_on(command.run_async()).expect_err("no thread"),
                block_on(Many::new().map_async([command.clone(), command.clone()])),
                block_on(command.clone().pipe(command.clone()).run_async()),
            )
        });
        assert!(matches!(error, Error::Watch { .. }), "{error}");
        assert!(error.to_string().starts_with("true: "), "{error}");
        for results in [list, piped.stages] {
            assert_eq!(results.len(), 2);
            assert!(
                results
                    .iter()
                    .all(|it| matches!(it, Err(Error::Watch { .. })))
            );
        }
        assert!(
            block_on(Command::new("true").run_async())
                .expect("a thread")
                .success()
        );

        let dir = TempDir::new();
        let folder = dir.path().display();
        let inherits = |command: Command| {
            command
                .stdin(Input::Inherit)
                .stdout(Output::Inherit)
                .stderr(Output::Inherit)
        };
        let open = fs::read_dir("/proc/self/fd").expect("/proc").count() as u64;
        for room in 0..14 {
            for captures in [false, true] {
                let commands = (0..8).map(|n| {
                    let file = format!("{folder}/{room}-{captures}-{n}");
                    let command = sh("ulimit -S -n 64; echo ran >>$0; sleep 0.05").arg(file);
                    if captures { command } else { inherits(command) }
                });
                let many = Many::new().limit(NonZeroUsize::new(4).expect("four"));
                let results = limited(Resource::Nofile, open + room, || many.map(commands));
                for (n, result) in results.iter().enumerate() {
                    let file = format!("{folder}/{room}-{captures}-{n}");
                    let ran = fs::read_to_string(file).unwrap_or_default();
                    match result {
                        Ok(_) => assert_eq!(ran, "ran\n", "room {room}, captures {captures}"),
                        // The start was refused, and nothing has run.
                        Err(error) => assert!(
                            matches!(error, Error::Start { .. }) && ran.is_empty(),
                            "room {room}, captures {captures}: {error}: {ran}"
                        ),
                    }
                }
            }
        }
    });
}
