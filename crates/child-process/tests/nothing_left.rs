//! The watcher thread ends when it is idle, and leaves nothing. This file has one test, since it
//! counts what the program holds.

mod support;

use std::time::Duration;

use futures::executor::block_on;
use futures::future::join_all;
use support::holdings::Holdings;
use support::{sh, within};

#[test]
fn futures_and_detached_children_leave_nothing() {
    within(Duration::from_secs(60), || {
        // The eventfd of the watcher thread stays open for the life of the program.
        let before = Holdings::after(|| drop(block_on(sh("true").run_async()).unwrap()));
        for _ in 0..2 {
            let all = block_on(join_all((0..20).map(|_| sh("echo out").run_async())));
            assert!(all.iter().all(Result::is_ok));
            for _ in 0..20 {
                drop(sh("sleep 30").spawn().unwrap().finish_async());
                sh("sleep 0.1").spawn().unwrap().detach();
            }
        }
        before.wait_until_restored();
    });
}
