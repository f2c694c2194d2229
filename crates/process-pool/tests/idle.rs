//! The CPU time of an idle pool. Alone in its program, since it measures the whole process.

mod support;

use std::fs;
use std::thread;
use std::time::Duration;

use effective_process_pool::{ProcessPool, job, register};

job! {
    fn double(number: u64) -> u64 { 2 * number }
}

/// User and system time of a process, in ticks of 10 ms.
fn ticks(pid: &str) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn idle_pool_uses_no_cpu() {
    let program = register![double];
    let _deadline = support::checks::deadline(60);
    let pool = ProcessPool::builder(&program)
        .workers(3)
        .time_limit(Duration::from_secs(100))
        .build()
        .unwrap();
    for number in 0..3_000 {
        assert_eq!(
            pool.submit::<double>(number).unwrap().wait().unwrap(),
            2 * number
        );
    }
    let results = pool.map::<double>(0..1_000);
    assert!(results.into_iter().all(|result| result.is_ok()));
    let mut pids: Vec<String> = support::checks::children()
        .iter()
        .map(i32::to_string)
        .collect();
    assert_eq!(pids.len(), 3);
    pids.push("self".to_owned());
    // The last jobs' clean-up is done by then.
    thread::sleep(Duration::from_millis(100));
    let total = || pids.iter().map(|pid| ticks(pid)).sum::<u64>();
    let before = total();
    thread::sleep(Duration::from_secs(2));
    let used = total() - before;
    // A spinning process would use 200 ticks of the 2 s; 100 wake-ups a second would show too.
    assert!(used <= 5, "{used} ticks of 10 ms in 2 s of idling");
}
