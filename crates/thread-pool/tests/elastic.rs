//! A pool that grows on demand and shrinks when idle.
#![cfg(target_os = "linux")]

mod support;

use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use effective_thread_pool::{BuildError, Builder, ThreadPool};
use support::{
    Gate, Gauge, eventually, meet, occupy, threads_named, wait_for_all, within_deadline,
};

fn elastic(min: usize, max: usize, idle: Duration) -> Builder {
    ThreadPool::builder()
        .workers(max)
        .min_workers(min)
        .idle_timeout(idle)
}

const LONG: Duration = Duration::from_secs(3_600);
const SHORT: Duration = Duration::from_millis(10);

#[test]
fn threads_start_when_jobs_wait_and_exit_when_idle() {
    within_deadline(|| {
        let pool = elastic(1, 8, SHORT).name_prefix("grown").build().unwrap();
        for _ in 0..5 {
            // Eight jobs that wait for each other need all workers.
            meet(&pool, 8);
            assert_eq!(pool.workers(), 8);
            eventually(|| pool.threads() == 1);
            eventually(|| threads_named("grown-") == 1);
        }
        drop(pool);
        eventually(|| threads_named("grown-") == 0);
    });
}

#[test]
fn no_thread_starts_while_a_worker_is_idle() {
    within_deadline(|| {
        let pool = elastic(2, 8, LONG).build().unwrap();
        for _ in 0..200 {
            pool.submit(|| ()).unwrap().wait().unwrap();
            thread::sleep(Duration::from_micros(200));
        }
        // A job may have come while both workers were falling asleep or delayed by a busy machine.
        assert!(pool.threads() < 8, "{}", pool.threads());
    });
}

#[test]
fn number_of_threads_stays_between_minimum_and_maximum() {
    within_deadline(|| {
        let pool = Arc::new(elastic(2, 4, Duration::from_micros(200)).build().unwrap());
        let gauge = Arc::new(Gauge::default());
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(500) {
            let handles: Vec<_> = (0..10)
                .map(|_| {
                    let gauge = Arc::clone(&gauge);
                    let job = move || gauge.during(|| thread::sleep(Duration::from_micros(50)));
                    pool.submit(job).unwrap()
                })
                .collect();
            wait_for_all(handles);
            thread::sleep(Duration::from_micros(300));
            assert!(pool.threads() >= 2);
        }
        assert!(gauge.peak() <= 4);
    });
}

#[test]
fn jobs_submitted_by_jobs_start_threads_too() {
    within_deadline(|| {
        for _ in 0..100 {
            let pool = Arc::new(elastic(1, 3, LONG).build().unwrap());
            let inner = Arc::clone(&pool);
            let outer = pool.submit(move || {
                let gate = Gate::new();
                let opener = gate.clone();
                drop(inner.submit(move || opener.open()).unwrap());
                gate.pass();
            });
            outer.unwrap().wait().unwrap();
        }
    });
}

#[test]
fn submitting_while_the_pool_resizes_strands_no_job() {
    within_deadline(|| {
        // Each job waits for later ones, so a stranded one hangs the test.
        for idle in [
            Duration::ZERO,
            Duration::from_micros(50),
            Duration::from_millis(1),
        ] {
            let pool = elastic(1, 4, idle).build().unwrap();
            let start = Instant::now();
            let mut round = 0u64;
            while start.elapsed() < Duration::from_millis(400) {
                meet(&pool, 4);
                match round % 3 {
                    0 => {}
                    1 => thread::sleep(Duration::from_micros(round % 120)),
                    _ => (0..round % 4_096).for_each(|_| std::hint::spin_loop()),
                }
                round += 1;
            }
        }
    });
}

#[test]
fn pool_grows_while_another_worker_is_being_initialized() {
    within_deadline(|| {
        let gate = Gate::new();
        let inside = gate.clone();
        let pool = elastic(1, 3, LONG)
            .initializer(move |worker| {
                if worker == 1 {
                    inside.pass();
                }
                Ok::<_, std::io::Error>(())
            })
            .build()
            .unwrap();
        let (first_gate, _) = occupy(&pool);
        // One of these starts worker 1, which is delayed; the other must not wait for it.
        let (sender, receiver) = mpsc::channel();
        for _ in 0..2 {
            let sender = sender.clone();
            drop(pool.submit(move || sender.send(())).unwrap());
        }
        receiver.recv().unwrap();
        gate.open();
        first_gate.open();
    });
}

#[test]
fn maps_streams_and_scopes_grow_a_pool() {
    within_deadline(|| {
        let in_all = |pool: &ThreadPool, run: &dyn Fn(&ThreadPool, Arc<Barrier>)| {
            run(pool, Arc::new(Barrier::new(3)));
        };
        let pool = || elastic(1, 3, LONG).build().unwrap();
        in_all(&pool(), &|pool, all| {
            let one = std::num::NonZeroUsize::MIN;
            let results = pool
                .mapping()
                .chunk_size(one)
                .run(0..3, move |_| all.wait().is_leader());
            assert_eq!(
                results.into_iter().flatten().filter(|&leads| leads).count(),
                1
            );
        });
        in_all(&pool(), &|pool, all| {
            let results = pool.mapping().stream(0..3, move |_| all.wait().is_leader());
            assert_eq!(results.flatten().filter(|&leads| leads).count(), 1);
        });
        in_all(&pool(), &|pool, all| {
            pool.scope(|scope| {
                for _ in 0..3 {
                    drop(scope.submit(|| all.wait()).unwrap());
                }
            })
            .unwrap();
        });
    });
}

#[test]
fn every_kind_of_shutdown_joins_all_threads() {
    within_deadline(|| {
        for round in 0..200 {
            let pool = elastic(1, 4, Duration::from_micros(100))
                .name_prefix("shrunk")
                .build()
                .unwrap();
            let handles: Vec<_> = (0..8).map(|n| pool.submit(move || n).unwrap()).collect();
            thread::sleep(Duration::from_micros(round * 3));
            match round % 4 {
                0 => pool.shutdown(),
                1 => drop(pool.shutdown_now()),
                2 => pool.shutdown_timeout(Duration::MAX).unwrap(),
                _ => drop(pool.shutdown_now_timeout(Duration::MAX).unwrap()),
            }
            assert!(
                handles
                    .iter()
                    .all(effective_thread_pool::Handle::is_finished)
            );
            // The system may list a joined thread for a moment longer.
            eventually(|| threads_named("shrunk-") == 0);
        }
    });
}

#[test]
fn invalid_minimum_is_a_typed_error() {
    for (min, max) in [(0, 2), (3, 2)] {
        let refused = elastic(min, max, LONG).build().unwrap_err();
        let says = matches!(refused, BuildError::InvalidMinimum { min: m, workers: 2 } if m == min);
        assert!(says, "{refused:?}");
        assert!(refused.to_string().contains("from 1 to 2"), "{refused}");
    }
}
