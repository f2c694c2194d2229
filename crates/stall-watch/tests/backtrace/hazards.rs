//! Code that must not be disturbed by having its stack walked. Each test failed, or could have,
//! with a walk inside the signal handler: it deadlocked or died.

use std::hint::black_box;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use effective_stall_watch::{Phase, StallWatch};

use crate::child::{end_of_child, in_child};
use crate::jit::Tables;
use crate::support::spin_until;

/// How long each hazard runs.
const WHILE: Duration = Duration::from_millis(1_500);

/// The least number of backtraces taken in that time.
const ENOUGH: usize = 10;

/// A busy machine needs long for that: threads rarely run when asked.
const VERY_LONG: Duration = Duration::from_secs(240);

/// Counts of the reports. Cheap to read, even with little stack left.
#[derive(Default)]
struct Reports {
    begun: AtomicUsize,
    backtraces: AtomicUsize,
    /// Whether the last report of a stall that began had a backtrace.
    had_backtrace: AtomicBool,
}

impl Reports {
    fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    fn backtraces(&self) -> usize {
        self.backtraces.load(Ordering::Relaxed)
    }
}

/// A short threshold and all reports: many signals.
fn listen() -> (Arc<Reports>, StallWatch) {
    let reports = Arc::new(Reports::default());
    let heard = Arc::clone(&reports);
    let watch = StallWatch::builder(Duration::from_millis(1))
        .backtraces()
        .reports_per_second(10_000)
        .on_stall(move |stall| {
            let backtrace = stall.backtrace.is_some();
            heard
                .backtraces
                .fetch_add(backtrace.into(), Ordering::Relaxed);
            if stall.phase == Phase::Began {
                heard.had_backtrace.store(backtrace, Ordering::Relaxed);
                heard.begun.fetch_add(1, Ordering::Relaxed);
            }
        })
        .build()
        .unwrap();
    (reports, watch)
}

/// Calls `work` repeatedly on this thread, in polls of a few milliseconds: for a while, and on a
/// busy machine until the thread has been asked often.
fn watched(reports: &Reports, watch: &StallWatch, mut work: impl FnMut()) {
    let start = Instant::now();
    while start.elapsed() < WHILE || reports.backtraces() < ENOUGH {
        assert!(
            start.elapsed() < VERY_LONG,
            "{} backtraces",
            reports.backtraces()
        );
        watch.named("works").run(|| {
            let poll = Instant::now();
            while poll.elapsed() < Duration::from_millis(4) {
                work();
            }
        });
    }
}

/// Stalls this thread, once or on a busy machine often, until there is a backtrace of it. `stall`
/// is handed the condition under which it may end.
fn stall_until_asked(reports: &Reports, watch: &StallWatch, stall: impl Fn(&dyn Fn() -> bool)) {
    let start = Instant::now();
    let backtraces = reports.backtraces();
    while reports.backtraces() == backtraces {
        assert!(
            start.elapsed() < VERY_LONG,
            "no backtrace in {} stalls",
            reports.begun()
        );
        let begun = reports.begun();
        watch
            .named("stalls")
            .run(|| stall(&|| reports.begun() > begun));
    }
}

/// Stalls this thread until that was reported.
fn stall_once(reports: &Reports, watch: &StallWatch) {
    let begun = reports.begun();
    watch
        .named("stalls")
        .run(|| spin_until(|| reports.begun() > begun));
}

#[cfg(target_arch = "x86_64")]
#[test]
fn no_deadlock_while_watched_code_registers_frames() {
    in_child(
        "hazards::no_deadlock_while_watched_code_registers_frames",
        || {
            let (reports, watch) = listen();
            let tables = Tables::new(200);
            watched(&reports, &watch, || {
                tables.register();
                tables.deregister();
            });
        },
    );
}

#[cfg(target_arch = "x86_64")]
#[test]
fn no_deadlock_in_malloc_after_frames_are_registered() {
    in_child(
        "hazards::no_deadlock_in_malloc_after_frames_are_registered",
        || {
            let (reports, watch) = listen();
            let mut registered = Vec::new();
            let mut count = 0_u32;
            watched(&reports, &watch, || {
                // New tables from time to time: libgcc allocates when it first reads them.
                if count.is_multiple_of(10_000) {
                    let tables = Tables::new(20);
                    tables.register();
                    registered.push(tables);
                }
                count += 1;
                black_box(vec![0_u8; 2_500]);
            });
            registered.iter().for_each(Tables::deregister);
        },
    );
}

/// Makes the unwinder stop at each frame.
struct Cleanup(u32);

impl Drop for Cleanup {
    fn drop(&mut self) {
        black_box(self.0);
    }
}

#[inline(never)]
fn panic_below(depth: u32) {
    let _cleanup = Cleanup(depth);
    if depth == 0 {
        panic!("caught")
    }
    panic_below(depth - 1);
    black_box(depth);
}

#[test]
fn process_survives_when_watched_thread_panics() {
    in_child(
        "hazards::process_survives_when_watched_thread_panics",
        || {
            let (reports, watch) = listen();
            let hook = panic::take_hook();
            panic::set_hook(Box::new(|_| {}));
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        watched(&reports, &watch, || {
                            assert!(panic::catch_unwind(|| panic_below(30)).is_err());
                        });
                    });
                }
            });
            panic::set_hook(hook);
        },
    );
}

/// A library that most systems have and this program does not otherwise load.
fn load() -> Option<*mut libc::c_void> {
    // SAFETY: the name ends with a zero byte; this library's initialisers have no conditions.
    let library = unsafe { libc::dlopen(c"libm.so.6".as_ptr(), libc::RTLD_NOW) };
    (!library.is_null()).then_some(library)
}

/// Calls `pow` of a library that is loaded for this one call.
fn call_and_unload() {
    let library = load().expect("it was there a moment ago");
    // SAFETY: `library` is loaded, `pow` has this type, and neither is used after `dlclose`.
    unsafe {
        let pow = libc::dlsym(library, c"pow".as_ptr());
        let pow: extern "C" fn(f64, f64) -> f64 = std::mem::transmute(pow);
        for n in 0..100 {
            black_box(pow(f64::from(n), 1.5));
        }
        assert_eq!(libc::dlclose(library), 0);
    }
}

#[test]
fn process_survives_when_watched_code_is_unloaded() {
    if load().is_none() {
        println!("skipped: no libm.so.6 to load and unload");
        return;
    }
    in_child(
        "hazards::process_survives_when_watched_code_is_unloaded",
        || {
            let (reports, watch) = listen();
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| watched(&reports, &watch, call_and_unload));
                }
            });
        },
    );
}

#[test]
fn children_survive_when_watched_thread_forks() {
    in_child(
        "hazards::children_survive_when_watched_thread_forks",
        || {
            let (reports, watch) = listen();
            watched(&reports, &watch, || {
                // SAFETY: the child calls nothing but `_exit`; the parent waits for it.
                let status = unsafe {
                    let child = libc::fork();
                    assert!(child >= 0);
                    if child == 0 {
                        libc::_exit(0);
                    }
                    let mut status = -1;
                    assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
                    status
                };
                assert_eq!(status, 0);
            });
        },
    );
}

/// The real-time signal that the watch has taken: the highest one with a handler.
fn taken_signal() -> libc::c_int {
    let handler = |signal| {
        // SAFETY: without a new action the call only fills in the old one, a plain structure.
        unsafe {
            let mut now: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, std::ptr::null(), &raw mut now);
            now.sa_sigaction
        }
    };
    let mut signals = (libc::SIGRTMIN()..=libc::SIGRTMAX()).rev();
    signals
        .find(|&signal| handler(signal) != libc::SIG_DFL)
        .unwrap()
}

#[test]
fn process_survives_when_signal_is_reset_to_default() {
    in_child(
        "hazards::process_survives_when_signal_is_reset_to_default",
        || {
            let (reports, watch) = listen();
            stall_until_asked(&reports, &watch, |over| spin_until(over));
            // SAFETY: a disposition without a handler has no conditions.
            let before = unsafe { libc::signal(taken_signal(), libc::SIG_DFL) };
            assert!(before != libc::SIG_ERR && before != libc::SIG_DFL);
            // That which was being reported may still be.
            for _ in 0..5 {
                stall_once(&reports, &watch);
            }
            assert!(!reports.had_backtrace.load(Ordering::Relaxed));
        },
    );
}

#[test]
fn foreign_handler_is_not_called_after_it_took_the_signal() {
    static CALLED: AtomicBool = AtomicBool::new(false);
    extern "C" fn foreign(_signal: libc::c_int) {
        CALLED.store(true, Ordering::Relaxed);
    }
    in_child(
        "hazards::foreign_handler_is_not_called_after_it_took_the_signal",
        || {
            let (reports, watch) = listen();
            let handler: extern "C" fn(libc::c_int) = foreign;
            // SAFETY: the handler stores an atomic and is safe at any moment.
            unsafe { libc::signal(taken_signal(), handler as usize) };
            for _ in 0..5 {
                stall_once(&reports, &watch);
            }
            assert!(!CALLED.load(Ordering::Relaxed));
        },
    );
}

/// Descends until only `left` bytes of this thread's stack are left, then waits there.
#[inline(never)]
fn wait_at_the_end(guard: usize, left: usize, over: &dyn Fn() -> bool) {
    let here = 0_u8;
    if (&raw const here).addr() - guard > left {
        wait_at_the_end(guard, left, over);
        black_box(here);
        return;
    }
    while !over() {
        std::hint::spin_loop();
    }
}

/// The lowest address of this thread's stack.
fn end_of_stack() -> usize {
    // SAFETY: the attributes are filled in by the first call, read by the second, and destroyed.
    unsafe {
        let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
        let this = libc::pthread_self();
        assert_eq!(libc::pthread_getattr_np(this, &raw mut attributes), 0);
        let (mut lowest, mut size) = (std::ptr::null_mut(), 0);
        libc::pthread_attr_getstack(&raw const attributes, &raw mut lowest, &raw mut size);
        libc::pthread_attr_destroy(&raw mut attributes);
        lowest.addr()
    }
}

#[test]
fn signal_does_not_overflow_a_stack_that_is_nearly_full() {
    in_child(
        "hazards::signal_does_not_overflow_a_stack_that_is_nearly_full",
        || {
            let (reports, watch) = listen();
            let near_the_end = || {
                let lowest = end_of_stack();
                stall_until_asked(&reports, &watch, |over| {
                    wait_at_the_end(lowest, 1_024, over);
                });
            };
            on_stack(64, near_the_end);
        },
    );
}

#[test]
fn stack_overflow_is_still_reported_while_watched() {
    #[inline(never)]
    fn overflow(depth: u64) -> u64 {
        let frame = black_box([depth; 64]);
        if depth == u64::MAX {
            return 0;
        }
        overflow(depth + 1) + frame[7]
    }
    let ended = end_of_child(
        "hazards::stack_overflow_is_still_reported_while_watched",
        || {
            let (_reports, watch) = listen();
            watch.named("overflows").run(|| overflow(0));
        },
    );
    if let Some(ended) = ended {
        assert!(!ended.status.success());
        let words = if cfg!(address_sanitizer) {
            "stack-overflow"
        } else {
            "has overflowed its stack"
        };
        assert!(ended.printed.contains(words), "{}", ended.printed);
    }
}

#[test]
fn threads_with_small_stacks_get_backtraces() {
    in_child("hazards::threads_with_small_stacks_get_backtraces", || {
        let (reports, watch) = listen();
        for size in [16, 20, 24, 32] {
            on_stack(size, || {
                stall_until_asked(&reports, &watch, |over| {
                    while !over() {
                        std::hint::spin_loop();
                    }
                });
            });
        }
    });
}

/// Runs `body` on a thread with a stack of `size` KiB.
fn on_stack(size: usize, body: impl FnOnce() + Send) {
    thread::scope(|scope| {
        let builder = thread::Builder::new().stack_size(size * 1024);
        builder.spawn_scoped(scope, body).unwrap().join().unwrap();
    });
}
