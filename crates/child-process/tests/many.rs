//! Many children, watched by one thread.

mod support;

use std::cell::Cell;
use std::iter;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use effective_child_process::{Command, Error, Finished, Many, TimeUp};
use support::{Mark, sh, within};

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
fn results_are_in_the_order_of_the_commands() {
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
fn each_failure_stays_in_its_place() {
    within(LIMIT, || {
        let commands = [
            sh("exit 1"),
            Command::new("no-such-program-anywhere"),
            sh("sleep 60").timeout(Duration::from_millis(100)),
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
fn no_more_than_the_limit_run_at_once() {
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
fn all_of_the_limit_run_at_the_same_time() {
    within(LIMIT, || {
        let folder = sh("mktemp -d").read().unwrap();
        // Each waits until it has seen all of them.
        let script = "touch $1/$2; while [ $(ls $1 | wc -l) -lt 5 ]; do sleep 0.01; done";
        let commands = (0..5).map(|n| sh(script).arg("-").arg(&folder).arg(n.to_string()));
        let results = at_once(5).deadline(LIMIT / 2).map(commands);
        assert!(results.into_iter().all(|result| result.unwrap().success()));
        std::fs::remove_dir_all(folder).unwrap();
    });
}

#[test]
fn at_the_deadline_those_that_run_are_ended_and_the_others_not_started() {
    within(LIMIT, || {
        let mark = Mark::new();
        let commands =
            || (0..9).map(|n| mark.on(sh(if n == 0 { "echo quick" } else { "sleep 60; :" })));
        // On a busy machine it takes longer until three run and the quick one has ended.
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
fn sixty_four_trees_that_must_be_killed_are_killed_together() {
    within(LIMIT, || {
        let mark = Mark::new();
        let command = mark.on(sh("trap '' TERM; sleep 61 & sleep 62; wait; sleep 63"));
        // On a busy machine it takes longer until all of them run.
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
fn an_endless_list_is_taken_as_far_as_it_is_asked_for() {
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
fn dropping_the_results_or_a_panic_of_the_list_ends_those_that_run() {
    within(LIMIT, || {
        let mark = Mark::new();
        let commands = ["exit 0", "sleep 60; :", "sleep 61; :"].map(|script| mark.on(sh(script)));
        let mut results = at_once(3).as_completed(commands.clone());
        assert_eq!(results.next().unwrap().0, 0);
        // Other threads start the children, and may not have come to the second one yet.
        let until = std::time::Instant::now() + LIMIT / 2;
        while mark.living().is_empty() {
            assert!(
                std::time::Instant::now() < until,
                "no other child is started"
            );
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        drop(results);
        assert_eq!(mark.living(), [0; 0]);

        let bad = commands.into_iter().chain(iter::from_fn(|| panic!("mine")));
        assert!(catch_unwind(AssertUnwindSafe(|| at_once(4).map(bad))).is_err());
        assert_eq!(mark.living(), [0; 0]);
    });
}

#[test]
fn a_thousand_children() {
    within(LIMIT, || {
        let results = at_once(8).map((0..1000).map(|n| Command::new("echo").arg(n.to_string())));
        for (n, result) in results.into_iter().enumerate() {
            assert_eq!(result.unwrap().stdout, format!("{n}\n").into_bytes());
        }
    });
}

#[test]
fn a_result_is_awaited_for_a_while_and_asked_for_again() {
    within(LIMIT, || {
        let gate = sh("mktemp").read().unwrap();
        let late = sh("while [ -e $1 ]; do sleep 0.01; done; echo late").args(["-", &gate]);
        let mut results = at_once(2).as_completed([late, sh("echo early")]);
        let (index, early) = results.next_timeout(LIMIT).unwrap().unwrap();
        assert_eq!((index, early.unwrap().stdout), (1, b"early\n".to_vec()));
        for _ in 0..20 {
            let Err(TimeUp) = results.next_timeout(Duration::from_millis(5)) else {
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
fn with_a_limit_of_one_each_starts_when_the_one_before_has_ended() {
    within(LIMIT, || {
        let file = sh("mktemp").read().unwrap();
        let script = "echo $1 begins >>$2; sleep 0.01; echo $1 ends >>$2";
        let commands = (0..12).map(|n| sh(script).args(["-", &n.to_string(), &file]));
        assert!(at_once(1).map(commands).iter().all(Result::is_ok));
        let lines = std::fs::read_to_string(&file).unwrap();
        let expected: String = (0..12).map(|n| format!("{n} begins\n{n} ends\n")).collect();
        assert_eq!(lines, expected);
        std::fs::remove_file(file).unwrap();
    });
}
