//! The thread that hears of what nobody waits for on the spot: deaths, time limits, results for callbacks and tasks.

use std::io::IoSliceMut;
use std::mem;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use rustix::stdio::stderr;
use rustix::time::{ClockId, clock_gettime};

use super::Shared;
use super::lane::Verdict;
use super::orphans::{self, Orphans};
use super::process::{Ports, stderr_takes_some};
use super::state::{CONGESTION, State};
use crate::Crash;
use crate::transport::slot::Attempt;

/// How often to look at the results of workers although no bell rang, while somebody waits for them. Bells do ring; but a
/// job that writes over foreign memory could silence them.
pub(super) const SWEEP: Duration = Duration::from_millis(250);
/// How soon to look again at a job that is about to begin.
const SOON: Duration = Duration::from_millis(1);
/// How long a worker may take to exit when there is nothing left to do.
const GRACE: Duration = Duration::from_secs(2);

/// What there is to do until the next look.
struct Plan {
    ports: Vec<(usize, Arc<Ports>)>,
    vacant: Vec<usize>,
    timeout: Option<Duration>,
    over: bool,
}

/// Runs until the pool is closed, all jobs have ended and all workers are gone.
pub(super) fn run(shared: &Shared) {
    let mut closing_since = None;
    let mut orphans = Orphans::default();
    let mut next_reaping = orphans::come_here().then(Instant::now);
    loop {
        let mut plan = shared.with(|state| plan(state, &mut closing_since));
        if plan.over {
            orphans.finish();
            shared.with(|state| state.over = true);
            shared.callbacks.close();
            shared.over.notify_all();
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
            plan.ports
                .iter()
                .for_each(|(_, ports)| ports.reap_orphans());
            next_reaping = Some(Instant::now() + orphans::LOOK);
        }
        for (place, ports) in &plan.ports {
            ports.pass_on_stderr(false);
            if let Some(exit) = ports.ended() {
                orphans.add(ports);
                let last_line = ports.last_line();
                shared.with(|state| state.bury(*place, &Crash { exit, last_line }));
            }
        }
    }
}

fn plan(state: &mut State, closing_since: &mut Option<Instant>) -> Plan {
    for place in 0..state.lanes.len() {
        state.tend(place);
    }
    let now = Instant::now();
    state.is_congested = false;
    state.is_relieving = true;
    let relief = state.relieve(now);
    state.is_relieving = relief.is_some();
    let mut next_look = limits(state, now).into_iter().chain(relief).min();
    let mut look_at = |due: Instant| next_look = Some(next_look.map_or(due, |next| next.min(due)));
    if state.is_congested {
        look_at(now + CONGESTION);
    }
    if mem::take(&mut state.was_watched) || (state.watchers > 0 && state.live() > 0) {
        look_at(now + SWEEP);
    }
    for lane in state.lanes.iter().flatten() {
        if let Some(since) = lane.retired {
            if now.saturating_duration_since(since) >= GRACE {
                lane.ports.kill();
            } else {
                look_at(since + GRACE);
            }
        }
    }
    let rest_until = state.starts.rest_until.filter(|&until| until > now);
    state.starts.rest_until = rest_until;
    if let Some(until) = rest_until {
        look_at(until);
    }
    let ending = state.closed && state.live() == 0;
    if ending {
        let since = *closing_since.get_or_insert(now);
        let late = now.saturating_duration_since(since) >= GRACE;
        for lane in state.lanes.iter_mut().flatten() {
            if late || !lane.is_ready() {
                // Nothing is lost with a worker that is still starting.
                lane.ports.kill();
            } else {
                lane.close();
            }
        }
        if !late {
            look_at(since + GRACE);
        }
    }
    state.next_look = next_look;
    let lanes = state.lanes.iter().enumerate();
    let ports: Vec<_> = lanes
        .filter_map(|(place, lane)| Some((place, Arc::clone(&lane.as_ref()?.ports))))
        .collect();
    let vacant = if ending || state.broken.is_some() || rest_until.is_some() {
        Vec::new()
    } else {
        (0..state.lanes.len())
            .filter(|&place| state.lanes[place].is_none())
            .collect()
    };
    let over = ending && ports.is_empty();
    Plan {
        ports,
        vacant,
        timeout: next_look.map(|due| due.saturating_duration_since(Instant::now())),
        over,
    }
}

/// Ends jobs whose time is up. Returns when the next one's may be.
fn limits(state: &mut State, now: Instant) -> Option<Instant> {
    let mut next: Option<Instant> = None;
    for place in 0..state.lanes.len() {
        let due = [
            running_limit(state, place, now),
            waiting_limit(state, place, now),
        ];
        next = due.into_iter().chain([next]).flatten().min();
    }
    next
}

/// When the time of the job that runs is up, if it has a limit. If it is up, its worker is killed.
fn running_limit(state: &mut State, place: usize, now: Instant) -> Option<Instant> {
    let lane = state.lanes[place].as_mut()?;
    let (number, unit, Attempt { input, stamp }) = lane.running()?;
    let (limit, count) = (unit.limit?, unit.count);
    if input > count {
        let why = format!("it began input {input} of {count}");
        lane.condemn(Verdict::Corrupted(why));
        return None;
    }
    // What the worker says is exact, and what is seen from here cannot be written over.
    let seen = lane.seen_for(number, input, now);
    let left = limit.saturating_sub(seen.max(since(stamp)));
    if left.is_zero() {
        let killed = state.kill_running(place, number, Verdict::TimedOut(limit));
        state.settle();
        // If it was not killed, it has gone on to something else.
        return (!killed).then(|| now + SOON);
    }
    let is_about_to_begin = stamp == 0 && seen < 10 * SOON;
    now.checked_add(if is_about_to_begin {
        left.min(SOON)
    } else {
        left
    })
}

/// When to look again at jobs that have not begun: one that begins in a moment is not past its limit before that.
fn waiting_limit(state: &State, place: usize, now: Instant) -> Option<Instant> {
    let lane = state.lanes[place].as_ref()?;
    let running = lane.running().map(|(number, ..)| number);
    now.checked_add(lane.waiting_limit(running)?.max(SOON))
}

/// The time since a stamp of the monotonic clock; none where there is no stamp yet.
fn since(stamp: u64) -> Duration {
    if stamp == 0 {
        return Duration::ZERO;
    }
    let now = clock_gettime(ClockId::Monotonic);
    let now = now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64;
    Duration::from_nanos(now.saturating_sub(stamp))
}

/// Starts workers in the place of dead ones, up to the first that is refused.
fn refill(shared: &Shared, vacant: &[usize]) {
    for &place in vacant {
        // Without the lock: it takes a millisecond.
        match shared.launch.start(place) {
            Ok(lane) => shared.with(|state| {
                state.starts.granted();
                state.lanes[place] = Some(lane);
                state.settle();
            }),
            Err(error) => return shared.with(|state| state.start_refused(&error)),
        }
    }
}

fn wait(shared: &Shared, plan: &Plan) {
    let mut descriptors = vec![PollFd::new(&shared.control, PollFlags::IN)];
    for (_, ports) in &plan.ports {
        descriptors.push(PollFd::new(&ports.event, PollFlags::IN));
    }
    let counters = descriptors.len();
    let pipes = plan.ports.iter().filter_map(|(_, ports)| ports.stderr());
    if pipes.clone().next().is_none() || stderr_takes_some() {
        descriptors.extend(pipes.map(|pipe| PollFd::from_borrowed_fd(pipe, PollFlags::IN)));
    } else {
        // Until then the workers wait, as they would without the pipe in between.
        descriptors.push(PollFd::from_borrowed_fd(stderr(), PollFlags::OUT));
    }
    for (_, ports) in &plan.ports {
        descriptors.push(PollFd::new(&ports.pidfd, PollFlags::IN));
    }
    let timeout = plan.timeout.and_then(|time| Timespec::try_from(time).ok());
    // Interrupted or out of time: everything is looked at in any case.
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
    fn reset_of_an_empty_blocking_counter_returns() {
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
