//! Who waits sleeps: waiting costs no CPU time. The clock is that of the process, so this is its only test.
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
        let (in_closure, all_over) = (Event::new(), Event::new());
        let (map, in_closure, all_over) = (&map, &in_closure, &all_over);
        thread::scope(|scope| {
            scope.spawn(move || {
                map.update(1, |_| {
                    in_closure.set();
                    all_over.wait();
                });
            });
            in_closure.wait();
            scope.spawn(move || map.update(1, |value| *value += 1));
            scope.spawn(move || {
                map.update_timeout(1, LONG, |value| *value += 1)
                    .expect("it comes free");
            });
            // All are asleep by then.
            thread::sleep(Duration::from_millis(200));
            let before = cpu_time();
            thread::sleep(Duration::from_secs(1));
            let used = cpu_time() - before;
            // Nine threads that spun would take a second on every core.
            assert!(used < Duration::from_millis(20), "{used:?}");
            all_over.set();
        });
        assert_eq!(map.get(&1), Some(2));
        drop(held);
        event.set();
        semaphore.add_permits(2);
    });
}
