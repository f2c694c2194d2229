//! The supervisor: the thread that handles deaths of workers, time limits, and results for which no
//! thread waits.

use std::io::{self, IoSliceMut};
use std::mem;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use rustix::stdio::stderr;

use super::intervals::{CONGESTION, GRACE, SWEEP};
use super::launch::Launch;
use super::orphans::{self, Orphans};
use super::shared::Shared;
use super::state::State;
use super::time_limits;
use super::worker_process::{WorkerProcess, is_stderr_writable};
use crate::error::Crash;

/// Starts the workers of a pool, and its supervisor.
pub(crate) fn start(launch: Launch, workers: usize) -> io::Result<(Arc<Shared>, JoinHandle<()>)> {
    let shared = Arc::new(Shared::new(launch, workers)?);
    let supervised = Arc::clone(&shared);
    let supervisor = thread::Builder::new()
        .name("process-pool".to_owned())
        .spawn(move || run(&supervised));
    if supervisor.is_err() {
        shared.with(State::abandon);
    }
    Ok((shared, supervisor?))
}

/// The outcome of one check: what to do before the next.
struct Plan {
    processes: Vec<(usize, Arc<WorkerProcess>)>,
    vacant: Vec<usize>,
    timeout: Option<Duration>,
    is_terminated: bool,
}

/// Runs until the pool is closed, all jobs have ended and all workers are gone.
fn run(shared: &Shared) {
    let mut closing_since = None;
    let mut orphans = Orphans::default();
    let mut next_reaping = orphans::come_here().then(Instant::now);
    loop {
        let mut plan = shared.with(|state| plan(state, &mut closing_since));
        if plan.is_terminated {
            orphans.finish();
            shared.with(|state| state.terminated = true);
            shared.callbacks.close();
            shared.terminated.notify_all();
            return;
        }
        if !plan.vacant.is_empty() {
            refill(shared, &plan.vacant);
            continue;
        }
        let orphans_due = [
            orphans.reap(),
            next_reaping.map(|due| due.saturating_duration_since(Instant::now())),
        ];
        plan.timeout = orphans_due
            .into_iter()
            .chain([plan.timeout])
            .flatten()
            .min();
        wait(shared, &plan);
        if next_reaping.is_some_and(|due| due <= Instant::now()) {
            plan.processes
                .iter()
                .for_each(|(_, process)| process.reap_orphans());
            next_reaping = Some(Instant::now() + orphans::CHECK_INTERVAL);
        }
        for (worker, process) in &plan.processes {
            process.forward_stderr(false);
            if let Some(exit) = process.ended() {
                orphans.add(process.group(), process.was_killed());
                let last_line = process.last_line();
                shared.with(|state| state.worker_died(*worker, &Crash { exit, last_line }));
            }
        }
    }
}

fn plan(state: &mut State, closing_since: &mut Option<Instant>) -> Plan {
    for worker in 0..state.workers.len() {
        state.collect_from(worker);
    }
    let now = Instant::now();
    state.is_congested = false;
    state.is_rebalancing = true;
    let relief = state.rebalance(now);
    state.is_rebalancing = relief.is_some();
    let mut next_check = time_limits::enforce(state, now)
        .into_iter()
        .chain(relief)
        .min();
    let mut check_at =
        |due: Instant| next_check = Some(next_check.map_or(due, |next| next.min(due)));
    if state.is_congested {
        check_at(now + CONGESTION);
    }
    if mem::take(&mut state.has_new_waiter) || (state.watchers > 0 && state.unfinished() > 0) {
        check_at(now + SWEEP);
    }
    for link in state.workers.iter().flatten() {
        if let Some(since) = link.retired {
            if now.saturating_duration_since(since) >= GRACE {
                link.process.kill();
            } else {
                check_at(since + GRACE);
            }
        }
    }
    let pause_until = state
        .start_failures
        .pause_until
        .filter(|&until| until > now);
    state.start_failures.pause_until = pause_until;
    if let Some(until) = pause_until {
        check_at(until);
    }
    let ending = state.closed && state.unfinished() == 0;
    if ending {
        let since = *closing_since.get_or_insert(now);
        let late = now.saturating_duration_since(since) >= GRACE;
        for link in state.workers.iter_mut().flatten() {
            if late || !link.is_ready() {
                // A worker that is still starting has no jobs to lose.
                link.process.kill();
            } else {
                link.close();
            }
        }
        if !late {
            check_at(since + GRACE);
        }
    }
    state.next_check = next_check;
    let workers = state.workers.iter().enumerate();
    let processes: Vec<_> = workers
        .filter_map(|(worker, link)| Some((worker, Arc::clone(&link.as_ref()?.process))))
        .collect();
    let vacant = if ending || state.broken.is_some() || pause_until.is_some() {
        Vec::new()
    } else {
        (0..state.workers.len())
            .filter(|&worker| state.workers[worker].is_none())
            .collect()
    };
    let is_terminated = ending && processes.is_empty();
    Plan {
        processes,
        vacant,
        timeout: next_check.map(|due| due.saturating_duration_since(Instant::now())),
        is_terminated,
    }
}

/// Replaces dead workers, until the first start that the system refuses.
fn refill(shared: &Shared, vacant: &[usize]) {
    for &worker in vacant {
        // Without the lock: a start takes a millisecond.
        match shared.launch.start(worker) {
            Ok(started) => shared.with(|state| state.replace_worker(worker, started)),
            Err(error) => return shared.with(|state| state.start_refused(&error)),
        }
    }
}

fn wait(shared: &Shared, plan: &Plan) {
    let mut descriptors = vec![PollFd::new(&shared.control, PollFlags::IN)];
    for (_, process) in &plan.processes {
        descriptors.push(PollFd::new(&process.event, PollFlags::IN));
    }
    let counters = descriptors.len();
    let pipes = plan
        .processes
        .iter()
        .filter_map(|(_, process)| process.stderr());
    if pipes.clone().next().is_none() || is_stderr_writable() {
        descriptors.extend(pipes.map(|pipe| PollFd::from_borrowed_fd(pipe, PollFlags::IN)));
    } else {
        // The workers wait meanwhile, as they would if they wrote to it directly.
        descriptors.push(PollFd::from_borrowed_fd(stderr(), PollFlags::OUT));
    }
    for (_, process) in &plan.processes {
        descriptors.push(PollFd::new(&process.pidfd, PollFlags::IN));
    }
    let timeout = plan.timeout.and_then(|time| Timespec::try_from(time).ok());
    // Interrupted or timed out: every descriptor is checked in any case.
    let _ = poll(&mut descriptors, timeout.as_ref());
    for counter in &descriptors[..counters] {
        if counter.revents().contains(PollFlags::IN) {
            reset(counter);
        }
    }
}

/// Resets a counter to zero without ever blocking. A worker shares its counter, so it can make the
/// descriptor blocking and empty it between the poll and the read.
fn reset(counter: impl AsFd) {
    const POSITION_OF_THE_FILE: u64 = u64::MAX;
    let mut count = [0; 8];
    let into = &mut [IoSliceMut::new(&mut count)];
    match preadv2(&counter, into, POSITION_OF_THE_FILE, ReadWriteFlags::NOWAIT) {
        Ok(_) | Err(Errno::AGAIN | Errno::INTR) => {}
        // Linux before 5.8 cannot read an eventfd this way. There, only the descriptor's own flag
        // keeps the read from blocking.
        Err(_) => {
            let _ = rustix::io::read(&counter, &mut count);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::sync::mpsc;
    use std::thread;

    use rustix::event::{EventfdFlags, eventfd};

    use super::*;

    #[test]
    fn reset_returns_for_empty_blocking_counter() {
        let counter: OwnedFd = eventfd(3, EventfdFlags::CLOEXEC).unwrap();
        let (sender, done) = mpsc::channel();
        thread::spawn(move || {
            reset(&counter);
            // Empty by now, as if a worker had emptied it first.
            reset(&counter);
            sender.send(counter).unwrap();
        });
        let counter = done.recv_timeout(Duration::from_secs(60));
        let counter = counter.expect("it does not wait for an event");
        let mut polled = [PollFd::new(&counter, PollFlags::IN)];
        assert_eq!(poll(&mut polled, Some(&Timespec::default())), Ok(0));
    }
}
