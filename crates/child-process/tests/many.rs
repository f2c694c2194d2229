//! Lists of commands.

mod support;

use std::cell::Cell;
use std::iter;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use effective_child_process::{Command, Error, Finished, Many, TimedOut};
use support::mark::Mark;
use support::temp_dir::TempDir;
use support::{eventually, sh, within};

const LIMIT: Duration = Duration::from_secs(60);

fn at_once(count: usize) -> Many {
    Many::new().limit(NonZeroUsize::new(count).unwrap())
}

fn is_timed_out(result: &Result<Finished, Error>) -> bool {
    matches!(result, Err(Error::TimedOut { .. }))
}

fn is_not_started(result: &Result<Finished, Error>) -> bool {
    matches!(result, Err(Error::NotStarted { .. }))
}

#[test]
fn results_are_in_command_order() {
    within(LIMIT, || {
        let commands = (0..20).map(|n| sh(&format!("sleep 0.0{}; echo {n}", 9 - n % 10)));
        let results = at_once(6).map(commands);
        assert_eq!(results.len(), 20);
        for (n, result) in results.into_iter().enumerate() {
            assert_eq!(result.unwrap().stdout, format!("{n}\n").into_bytes());
        }
        assert!(Many::new().map(iter::empty()).is_empty());
    });
}

#[test]
fn failure_affects_only_its_own_result() {
    within(LIMIT, || {
        let commands = [
            sh("exit 1"),
            Command::new("no-such-program-anywhere"),
            sh("sleep 60").time_limit(Duration::from_millis(100)),
            sh("kill -9 $$"),
            sh("echo fine"),
        ];
        let results = at_once(5).map(commands);
        assert_eq!(results[0].as_ref().unwrap().status.code(), Some(1));
        assert!(matches!(results[1], Err(Error::Start { .. })));
        assert!(matches!(results[2], Err(Error::TimedOut { .. })));
        assert_eq!(results[3].as_ref().unwrap().status.code(), None);
        assert_eq!(results[4].as_ref().unwrap().stdout, b"fine\n");
    });
}

#[test]
fn no_more_children_than_the_limit_run_at_once() {
    within(LIMIT, || {
        let mark = Mark::new();
        let mut most = 0;
        let results =
            at_once(4).as_completed((0..24).map(|_| mark.on(Command::new("sleep").arg("0.05"))));
        for (_, result) in results {
            assert!(result.unwrap().success());
            most = most.max(mark.living().len());
        }
        assert!((1..=4).contains(&most), "{most}");
    });
}

#[test]
fn as_many_children_as_the_limit_run_at_once() {
    within(LIMIT, || {
        let dir = TempDir::new();
        // Each child waits until it has seen all of them.
        let script = "touch $1/$2; while [ $(ls $1 | wc -l) -lt 5 ]; do sleep 0.01; done";
        let commands = (0..5).map(|n| sh(script).arg("-").arg(dir.path()).arg(n.to_string()));
        let results = at_once(5).deadline(LIMIT / 2).map(commands);
        assert!(results.into_iter().all(|result| result.unwrap().success()));
    });
}

#[test]
fn deadline_ends_running_children_and_starts_no_more() {
    within(LIMIT, || {
        let mark = Mark::new();
        let commands =
            || (0..9).map(|n| mark.on(sh(if n == 0 { "echo quick" } else { "sleep 60; :" })));
        // A busy machine needs longer until the quick child has ended and three others run.
        let results = [300, 3_000, 30_000].into_iter().find_map(|deadline| {
            let deadline = Duration::from_millis(deadline);
            let results = at_once(3).deadline(deadline).map(commands());
            (results[0].is_ok() && is_timed_out(&results[3])).then_some(results)
        });
        let results = results.expect("three have started");
        assert_eq!(results[0].as_ref().unwrap().stdout, b"quick\n");
        assert!(results[1..4].iter().all(is_timed_out));
        assert!(results[4..].iter().all(is_not_started));
        assert_eq!(mark.living(), [0; 0]);
    });
}

#[test]
fn deadline_kills_sixty_four_trees_together() {
    within(LIMIT, || {
        let mark = Mark::new();
        let command = mark.on(sh("trap '' TERM; sleep 61 & sleep 62; wait; sleep 63"));
        // A busy machine needs longer until all of them run.
        let results = [700, 7_000, 40_000].into_iter().find_map(|deadline| {
            let results =
                at_once(64)
                    .deadline(Duration::from_millis(deadline))
                    .map(iter::repeat_n(
                        command.clone().grace(Duration::from_millis(100)),
                        64,
                    ));
            (!results.iter().any(is_not_started)).then_some(results)
        });
        let results = results.expect("all have started");
        assert!(results.iter().all(is_timed_out));
        assert_eq!(mark.living(), [0; 0]);
    });
}

#[test]
fn endless_list_is_consumed_on_demand() {
    within(LIMIT, || {
        let taken = Cell::new(0);
        let commands = iter::from_fn(|| {
            taken.set(taken.get() + 1);
            Some(Command::new("true"))
        });
        let first: Vec<_> = at_once(2).as_completed(commands).take(10).collect();
        assert_eq!(first.len(), 10);
        assert!(taken.get() <= 13, "{}", taken.get());
    });
}

#[test]
fn drop_or_panic_of_list_kills_running_children() {
    within(LIMIT, || {
        let mark = Mark::new();
        let commands = ["exit 0", "sleep 60; :", "sleep 61; :"].map(|script| mark.on(sh(script)));
        let mut results = at_once(3).as_completed(commands.clone());
        assert_eq!(results.next().unwrap().0, 0);
        // Other threads start the children, perhaps only after the first one has ended.
        eventually("another child is started", || !mark.living().is_empty());
        drop(results);
        assert_eq!(mark.living(), [0; 0]);

        let bad = commands.into_iter().chain(iter::from_fn(|| panic!("mine")));
        assert!(catch_unwind(AssertUnwindSafe(|| at_once(4).map(bad))).is_err());
        assert_eq!(mark.living(), [0; 0]);
    });
}

#[test]
fn thousand_children_complete() {
    within(LIMIT, || {
        let results = at_once(8).map((0..1000).map(|n| Command::new("echo").arg(n.to_string())));
        for (n, result) in results.into_iter().enumerate() {
            assert_eq!(result.unwrap().stdout, format!("{n}\n").into_bytes());
        }
    });
}

#[test]
fn next_timeout_can_be_called_again() {
    within(LIMIT, || {
        let dir = TempDir::new();
        let gate = dir.path().join("gate");
        std::fs::write(&gate, "").unwrap();
        let late = sh("while [ -e $1 ]; do sleep 0.01; done; echo late")
            .arg("-")
            .arg(&gate);
        let mut results = at_once(2).as_completed([late, sh("echo early")]);
        let (index, early) = results.next_timeout(LIMIT).unwrap().unwrap();
        assert_eq!((index, early.unwrap().stdout), (1, b"early\n".to_vec()));
        for _ in 0..20 {
            let Err(TimedOut) = results.next_timeout(Duration::from_millis(5)) else {
                panic!("it waits for the gate");
            };
        }
        std::fs::remove_file(gate).unwrap();
        let (index, late) = results.next_timeout(LIMIT).unwrap().unwrap();
        assert_eq!((index, late.unwrap().stdout), (0, b"late\n".to_vec()));
        assert!(results.next_timeout(LIMIT).unwrap().is_none());
        assert!(results.next().is_none());
    });
}

#[test]
fn limit_of_one_runs_children_in_sequence() {
    within(LIMIT, || {
        let dir = TempDir::new();
        let file = dir.path().join("log");
        let script = "echo $1 begins >>$2; sleep 0.01; echo $1 ends >>$2";
        let commands = (0..12).map(|n| sh(script).args(["-", &n.to_string()]).arg(&file));
        assert!(at_once(1).map(commands).iter().all(Result::is_ok));
        let lines = std::fs::read_to_string(&file).unwrap();
        let expected: String = (0..12).map(|n| format!("{n} begins\n{n} ends\n")).collect();
        assert_eq!(lines, expected);
    });
}
