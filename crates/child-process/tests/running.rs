//! Running children as futures, without an async runtime.

mod support;

use std::future::Future as _;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use effective_child_process::{Command, Error, Input, Many};
use futures::executor::block_on;
use futures::future::{Either, join_all, select};
use support::mark::Mark;
use support::{eventually, sh, with_enough_time, within};

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn run_async_has_the_results_of_run() {
    within(LIMIT, || {
        let finished = block_on(sh("cat; exit 3").input("in").run_async()).unwrap();
        assert_eq!(
            (finished.status.code(), &finished.stdout[..]),
            (Some(3), &b"in"[..])
        );
        let error = block_on(Command::new("no-such-program-anywhere").run_async());
        assert!(matches!(error, Err(Error::Start { .. })));
        let command = sh("echo so far; sleep 60");
        let error = with_enough_time(
            Duration::from_millis(100),
            |limit| block_on(command.clone().time_limit(limit).run_async()).unwrap_err(),
            |error| !error.finished().unwrap().stdout.is_empty(),
        );
        assert_eq!(error.finished().unwrap().stdout, b"so far\n");
    });
}

#[test]
fn hundred_futures_complete_together() {
    within(LIMIT, || {
        let all = (0..100).map(|n| Command::new("echo").arg(n.to_string()).run_async());
        for (n, result) in block_on(join_all(all)).into_iter().enumerate() {
            assert_eq!(result.unwrap().stdout, format!("{n}\n").into_bytes());
        }
    });
}

#[test]
fn future_starts_at_first_poll_and_drop_kills_its_tree() {
    within(LIMIT, || {
        let mark = Mark::new();
        let command = mark.on(sh("setsid sleep 60 & sleep 61; :"));
        drop(command.run_async());
        assert_eq!(mark.living(), [0; 0]);
        let mut running = command.run_async();
        {
            let polled =
                std::pin::Pin::new(&mut running).poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending());
        }
        mark.wait_for(3);
        drop(running);
        mark.wait_for(0);
    });
}

#[test]
fn loser_of_a_select_is_killed() {
    within(LIMIT, || {
        let mark = Mark::new();
        let slow = mark.on(sh("sleep 60; :")).run_async();
        let quick = sh("sleep 0.1; echo first").run_async();
        let Either::Right((first, slow)) = block_on(select(slow, quick)) else {
            panic!("the quick child ends first");
        };
        assert_eq!(first.unwrap().stdout, b"first\n");
        drop(slow);
        mark.wait_for(0);
    });
}

#[test]
fn last_waker_is_woken_and_a_panic_in_it_is_contained() {
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {
            std::panic::resume_unwind(Box::new("a waker that panics"));
        }
    }
    within(LIMIT, || {
        let counts = [(); 2].map(|()| Arc::new(Count(AtomicUsize::new(0))));
        let bomb = Waker::from(Arc::new(Bomb));
        let mut bombed = pin!(sh("exit 0").run_async());
        assert!(
            bombed
                .as_mut()
                .poll(&mut Context::from_waker(&bomb))
                .is_pending()
        );
        let mut running = pin!(sh("sleep 0.2").run_async());
        for count in &counts {
            let waker = Waker::from(Arc::clone(count));
            assert!(
                running
                    .as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
        }
        eventually("it is woken", || counts[1].0.load(Ordering::SeqCst) == 1);
        assert_eq!(counts[0].0.load(Ordering::SeqCst), 0);
        let polled = running
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(Ok(_))));
        assert!(block_on(bombed).unwrap().success());
        assert!(block_on(sh("exit 0").run_async()).unwrap().success());
    });
}

#[test]
fn finish_async_serves_the_child_without_polls() {
    within(LIMIT, || {
        let mut child = Command::new("cat").stdin(Input::Pipe).spawn().unwrap();
        child.write("said").unwrap();
        child.close_stdin();
        assert_eq!(block_on(child.finish_async()).unwrap().stdout, b"said");

        let mark = Mark::new();
        drop(mark.on(sh("sleep 60; :")).spawn().unwrap().finish_async());
        mark.wait_for(0);
        // Its time limit holds without a poll.
        let running = mark
            .on(sh("sleep 60; :"))
            .time_limit(Duration::from_millis(50))
            .spawn()
            .unwrap()
            .finish_async();
        mark.wait_for(0);
        assert!(block_on(running).unwrap_err().is_timeout());
    });
}

#[test]
fn pipelines_and_lists_run_as_futures() {
    within(LIMIT, || {
        let piped = block_on(
            Command::new("echo")
                .arg("b")
                .pipe(Command::new("tr").args(["b", "c"]))
                .run_async(),
        );
        assert_eq!(piped.check().unwrap().stdout, b"c\n");
        let mark = Mark::new();
        let two = Many::new().limit(NonZeroUsize::new(2).unwrap());
        let results =
            block_on(two.map_async((0..7).map(|n| Command::new("echo").arg(n.to_string()))));
        let outputs: Vec<_> = results
            .into_iter()
            .map(|result| result.unwrap().stdout)
            .collect();
        assert_eq!(
            outputs,
            (0..7)
                .map(|n| format!("{n}\n").into_bytes())
                .collect::<Vec<_>>()
        );
        let results = two.deadline(Duration::from_millis(100));
        let results = block_on(results.map_async((0..4).map(|_| mark.on(sh("sleep 60; :")))));
        assert!(
            results
                .iter()
                .all(|result| result.as_ref().unwrap_err().is_timeout())
        );
        assert_eq!((results.len(), mark.living().len()), (4, 0));
    });
}
