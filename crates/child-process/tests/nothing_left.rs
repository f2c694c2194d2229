//! The thread that watches for futures ends when it has nothing to do, and takes everything with it. One test to the file,
//! since it counts what the program holds.

mod support;

use std::time::Duration;

use futures::executor::block_on;
use futures::future::join_all;
use support::{Holdings, sh, within};

#[test]
fn no_thread_descriptor_or_child_is_left_after_futures_and_detached_children() {
    within(Duration::from_secs(60), || {
        // The bell of the watching thread stays for the life of the program.
        block_on(sh("true").run_async()).unwrap();
        let mut before = Holdings::now();
        before.threads -= 1;
        for _ in 0..2 {
            let all = block_on(join_all((0..20).map(|_| sh("echo out").run_async())));
            assert!(all.iter().all(Result::is_ok));
            for _ in 0..20 {
                drop(sh("sleep 30").spawn().unwrap().finish_async());
                sh("sleep 0.1").spawn().unwrap().detach();
            }
        }
        before.are_back();
    });
}
