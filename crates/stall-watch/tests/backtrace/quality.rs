//! The contents of backtraces, wherever the thread is interrupted.

use std::hint::black_box;
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use effective_stall_watch::{Backtrace, Stall, StallWatch};

use crate::child::in_child;
use crate::support::{Reports, THRESHOLD, within_deadline};

/// The number of backtraces, each of another instruction.
const SAMPLES: usize = 30;

/// On a busy machine it takes long to interrupt a thread that often: it rarely runs when asked.
const VERY_LONG: Duration = Duration::from_secs(240);

fn names(backtrace: &Backtrace) -> Vec<String> {
    let frames = backtrace.frames().iter();
    let names = frames.map(|frame| frame.function.clone().unwrap_or_default());
    names.collect()
}

/// Backtraces of `work`, which is called repeatedly in polls of a few milliseconds.
fn samples(work: impl FnMut()) -> Vec<Backtrace> {
    some_samples(SAMPLES, Duration::from_millis(4), work)
}

/// At least `count` backtraces of `work`, which is called repeatedly in polls of twice the
/// threshold.
fn some_samples(count: usize, threshold: Duration, mut work: impl FnMut()) -> Vec<Backtrace> {
    let reports = Reports::default();
    let builder = StallWatch::builder(threshold).backtraces();
    let watch = reports.listen(builder.reports_per_second(10_000));
    let taken = || -> Vec<Backtrace> {
        let all = reports.all().into_iter();
        all.filter_map(|stall: Stall| stall.backtrace).collect()
    };
    let start = Instant::now();
    while taken().len() < count {
        assert!(
            start.elapsed() < VERY_LONG,
            "only {} backtraces",
            taken().len()
        );
        watch.named("work").run(|| {
            let poll = Instant::now();
            while poll.elapsed() < 2 * threshold {
                work();
            }
        });
    }
    taken()
}

/// Asserts that every backtrace reaches the test itself, and that those that are in `callee` at all
/// have its `callers` above it, in this order. Returns how many are in it.
#[track_caller]
fn assert_callers(samples: &[Backtrace], callee: &str, callers: &[&str]) -> usize {
    let mut count = 0;
    for backtrace in samples {
        let names = names(backtrace);
        assert!(!backtrace.is_truncated(), "{backtrace}");
        let mut rest = names.iter();
        if !rest.any(|name| name.contains(callee)) {
            continue;
        }
        count += 1;
        for caller in callers {
            assert!(
                rest.any(|name| name.contains(caller)),
                "no {caller} above {callee}\n{backtrace}"
            );
        }
    }
    count
}

#[inline(never)]
fn leaf_function(number: u64) -> u64 {
    black_box(number) + 1
}

/// Mostly beginnings and ends of functions.
#[inline(never)]
fn middle_function(mut number: u64) -> u64 {
    for _ in 0..1_000 {
        number = leaf_function(number) ^ leaf_function(number + 7);
    }
    number
}

#[inline(never)]
fn outer_function() {
    black_box(middle_function(black_box(3)) + 1);
}

#[test]
fn callers_are_named_in_prologues_and_epilogues() {
    within_deadline(|| {
        let samples = samples(outer_function);
        let found = assert_callers(
            &samples,
            "leaf_function",
            &["middle_function", "outer_function"],
        );
        assert!(found > SAMPLES / 10, "{found}");
    });
}

#[inline(never)]
fn allocates() {
    for size in 1..200 {
        black_box(vec![0_u8; 50 * size]);
    }
    black_box(());
}

#[test]
fn callers_are_named_in_malloc() {
    within_deadline(|| {
        let samples = samples(allocates);
        let in_it = assert_callers(&samples, "allocates", &[]);
        let in_malloc = samples.iter().filter(|backtrace| {
            let first = &names(backtrace)[0];
            ["malloc", "free", "calloc", "mem"]
                .iter()
                .any(|name| first.contains(name))
        });
        // Nearly all of the time is spent there.
        assert!(in_it > SAMPLES / 2, "{in_it}");
        assert!(in_malloc.count() > 0);
    });
}

#[inline(never)]
fn looks_at_the_clock() {
    for _ in 0..200 {
        black_box(Instant::now());
    }
    black_box(());
}

#[test]
fn callers_are_named_in_the_vdso() {
    within_deadline(|| {
        let samples = samples(looks_at_the_clock);
        let found = assert_callers(&samples, "looks_at_the_clock", &[]);
        assert!(found > SAMPLES / 2, "{found}");
        // The vDSO has no file, and its functions no names.
        let in_vdso = |backtrace: &&Backtrace| backtrace.frames()[0].function.is_none();
        let in_vdso: Vec<_> = samples.iter().filter(in_vdso).cloned().collect();
        let found = assert_callers(&in_vdso, "", &["clock_gettime", "now"]);
        assert!(found > 0);
    });
}

#[inline(never)]
fn asks_the_system() {
    for _ in 0..200 {
        // SAFETY: has no conditions.
        black_box(unsafe { libc::syscall(libc::SYS_getppid) });
    }
    black_box(());
}

#[test]
fn callers_are_named_in_a_system_call() {
    within_deadline(|| {
        let samples = samples(asks_the_system);
        let found = assert_callers(&samples, "syscall", &["asks_the_system"]);
        assert!(found > SAMPLES / 2, "{found}");
    });
}

#[inline(never)]
fn panic_below(depth: u32) {
    if depth == 0 {
        panic::resume_unwind(Box::new(1));
    }
    panic_below(depth - 1);
    black_box(depth);
}

#[inline(never)]
fn catches() {
    assert!(panic::catch_unwind(|| panic_below(20)).is_err());
}

/// The unwinder of the panic has changed return addresses when it enters the landing pad: there,
/// and only there, a backtrace may be truncated.
#[test]
fn callers_are_named_while_a_panic_unwinds() {
    within_deadline(|| {
        let samples = samples(catches);
        let whole = samples.iter().filter(|backtrace| {
            let names = names(backtrace);
            let mut in_place = names.iter().filter(|name| name.contains("catches"));
            in_place.next().is_some() && !backtrace.is_truncated()
        });
        let whole = whole.count();
        assert!(whole > samples.len() / 2, "{whole} of {}", samples.len());
    });
}

static SPUN: AtomicBool = AtomicBool::new(false);

extern "C" fn spins_in_handler(_signal: libc::c_int) {
    while !SPUN.load(Ordering::Relaxed) {
        std::hint::spin_loop();
    }
}

#[inline(never)]
fn raises() {
    // SAFETY: has no conditions.
    black_box(unsafe { libc::raise(libc::SIGUSR1) });
}

#[test]
fn code_below_a_signal_handler_is_named() {
    in_child("quality::code_below_a_signal_handler_is_named", || {
        let handler: extern "C" fn(libc::c_int) = spins_in_handler;
        // SAFETY: the handler reads an atomic and is safe at any moment.
        unsafe { libc::signal(libc::SIGUSR1, handler as usize) };
        let reports = Reports::default();
        let builder = StallWatch::builder(5 * THRESHOLD).backtraces();
        let watch = reports.listen(builder);
        let stall = thread::scope(|scope| {
            scope.spawn(|| watch.named("raises").run(raises));
            let stall = reports.wait_for(|stall| stall.backtrace.is_some());
            SPUN.store(true, Ordering::Relaxed);
            stall
        });
        let found = assert_callers(&[stall.backtrace.unwrap()], "spins_in_handler", &["raises"]);
        assert_eq!(found, 1);
    });
}

#[inline(never)]
fn descend(depth: u32, until: &AtomicBool) {
    let frame = black_box([depth; 64]);
    if depth == 0 {
        while !until.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
        return;
    }
    descend(depth - 1, until);
    black_box(frame);
}

#[test]
fn backtrace_of_a_deep_stack_is_truncated() {
    within_deadline(|| {
        for depth in [50, 20_000] {
            let reports = Reports::default();
            let builder = StallWatch::builder(5 * THRESHOLD).backtraces();
            let watch = reports.listen(builder);
            let until = AtomicBool::new(false);
            let stall = thread::scope(|scope| {
                let roomy = thread::Builder::new().stack_size(64 * 1024 * 1024);
                let deep = || watch.named("deep").run(|| descend(depth, &until));
                roomy.spawn_scoped(scope, deep).unwrap();
                let stall = reports.wait_for(|stall| stall.backtrace.is_some());
                until.store(true, Ordering::Relaxed);
                stall
            });
            let backtrace = stall.backtrace.unwrap();
            let names = names(&backtrace);
            let descents = names.iter().filter(|name| name.contains("descend"));
            let descents = u32::try_from(descents.count()).unwrap();
            assert!(descents <= depth + 1 && descents > 40, "{backtrace}");
            assert_eq!(backtrace.is_truncated(), descents <= depth, "{backtrace}");
            let shown = backtrace.to_string();
            assert_eq!(shown.contains("outer frames are missing"), depth > 50);
        }
    });
}

/// Makes a system call fail with "not permitted" in this thread and those that it starts.
fn forbid(number: libc::c_long) {
    let number = u32::try_from(number).unwrap();
    let (load, compare, answer) = (0x20, 0x15, 0x06);
    let instruction = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let refuse = libc::SECCOMP_RET_ERRNO | u32::try_from(libc::EPERM).unwrap();
    let mut program = [
        instruction(load, 0, 0, 0),
        instruction(compare, 0, 1, number),
        instruction(answer, 0, 0, refuse),
        instruction(answer, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let filter = libc::sock_fprog {
        len: 4,
        filter: program.as_mut_ptr(),
    };
    // SAFETY: the filter is valid for the calls, which change this process only.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let mode = libc::SECCOMP_MODE_FILTER;
        let set = libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const filter, 0, 0);
        assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
        let number = i64::from(number);
        assert_eq!(libc::syscall(number, 0, 0, 0, 0, 0, 0), -1);
    }
    let error = std::io::Error::last_os_error();
    assert_eq!(error.raw_os_error(), Some(libc::EPERM));
}

#[test]
fn callers_are_named_under_a_seccomp_filter() {
    in_child("quality::callers_are_named_under_a_seccomp_filter", || {
        forbid(libc::SYS_process_vm_readv);
        let samples = some_samples(20, Duration::from_millis(20), outer_function);
        let callers = ["middle_function", "outer_function"];
        assert!(assert_callers(&samples, "leaf_function", &callers) > 0);
    });
}
