//! Waiting threads use no CPU time. The only test of the file, since it reads the clock of the
//! process.
#![cfg(unix)]

use std::thread;
use std::time::Duration;

use effective_locks::sharded::Map;
use effective_locks::{Event, Semaphore, TimedMutex};
use rustix::time::{ClockId, clock_gettime};

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.try_into().expect("not negative"),
        time.tv_nsec.try_into().expect("below a billion"),
    )
}

#[test]
fn waiting_costs_no_cpu_time() {
    const LONG: Duration = Duration::from_secs(60);
    let (semaphore, event) = (Semaphore::new(0), Event::new());
    let mutex = TimedMutex::new("held", ());
    let map: Map<u8, u8> = Map::new();
    let held = mutex.lock();
    thread::scope(|scope| {
        scope.spawn(|| drop(semaphore.acquire()));
        scope.spawn(|| drop(semaphore.acquire_many_timeout(2, LONG)));
        scope.spawn(|| event.wait());
        scope.spawn(|| assert!(event.wait_timeout(LONG)));
        scope.spawn(|| drop(mutex.lock()));
        scope.spawn(|| drop(mutex.lock_timeout(LONG)));
        let (in_closure, done) = (Event::new(), Event::new());
        let (map, in_closure, done) = (&map, &in_closure, &done);
        thread::scope(|scope| {
            scope.spawn(move || {
                map.update(1, |_| {
                    in_closure.set();
                    done.wait();
                });
            });
            in_closure.wait();
            scope.spawn(move || map.update(1, |value| *value += 1));
            scope.spawn(move || {
                map.update_timeout(1, LONG, |value| *value += 1)
                    .expect("the shard is unlocked");
            });
            // All threads sleep by then.
            thread::sleep(Duration::from_millis(200));
            let before = cpu_time();
            thread::sleep(Duration::from_secs(1));
            let used = cpu_time() - before;
            // Nine spinning threads would take a second on every core.
            assert!(used < Duration::from_millis(20), "{used:?}");
            done.set();
        });
        assert_eq!(map.get(&1), Some(2));
        drop(held);
        event.set();
        semaphore.add_permits(2);
    });
}
