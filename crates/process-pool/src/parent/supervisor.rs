//! The thread that hears of what nobody waits for on the spot: deaths, time limits, results for callbacks and tasks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::time::{ClockId, clock_gettime};

use super::Shared;
use super::lane::Verdict;
use super::process::Ports;
use super::state::State;

/// How often to look at the results of workers although no bell rang, while somebody waits for them. Bells do ring; but a
/// job that writes over foreign memory could silence them.
pub(super) const SWEEP: Duration = Duration::from_millis(250);
/// How soon to look again at a job that is about to begin.
const SOON: Duration = Duration::from_millis(1);
/// How soon to try again to start a worker that the system refused.
const RETRY: Duration = Duration::from_millis(50);
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
    loop {
        let mut plan = shared.with(|state| plan(state, &mut closing_since));
        if plan.over {
            shared.over.notify_all();
            return;
        }
        if !plan.vacant.is_empty() && !refill(shared, &plan.vacant) {
            plan.timeout = Some(RETRY);
        } else if !plan.vacant.is_empty() {
            continue;
        }
        wait(shared, &plan);
        for (place, ports) in &plan.ports {
            ports.pass_on_stderr();
            if let Some(exit) = ports.ended() {
                shared.with(|state| state.bury(*place, exit));
            }
        }
    }
}

fn plan(state: &mut State, closing_since: &mut Option<Instant>) -> Plan {
    for place in 0..state.lanes.len() {
        state.tend(place);
    }
    state.settle();
    let now = Instant::now();
    let mut next_look = limits(state, now);
    let mut look_at = |due: Instant| next_look = Some(next_look.map_or(due, |next| next.min(due)));
    if state.watchers > 0 && state.live() > 0 {
        look_at(now + SWEEP);
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
    let vacant = if ending || state.broken.is_some() {
        Vec::new()
    } else {
        (0..state.lanes.len())
            .filter(|&place| state.lanes[place].is_none())
            .collect()
    };
    let over = ending && ports.is_empty();
    state.over |= over;
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
        let Some(lane) = &state.lanes[place] else {
            continue;
        };
        let Some(limit) = lane.first_limit() else {
            continue;
        };
        let due = match lane.running() {
            // It may begin at any moment, and a worker that is still starting will not before that.
            None => now + SOON.max(limit),
            Some((_, unit, _)) if unit.limit.is_none() => now + SOON.max(limit),
            Some((_, _, 0)) => now + SOON,
            Some((number, unit, stamp)) => {
                let limit = unit.limit.unwrap_or(limit);
                let left = limit.saturating_sub(since(stamp));
                if !left.is_zero() {
                    now + left
                } else {
                    state.kill_running(place, number, Verdict::TimedOut(limit));
                    state.settle();
                    now + SOON
                }
            }
        };
        next = Some(next.map_or(due, |next| next.min(due)));
    }
    next
}

/// The time since a stamp of the monotonic clock.
fn since(stamp: u64) -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    let now = now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64;
    Duration::from_nanos(now.saturating_sub(stamp))
}

/// Starts workers in the place of dead ones; `false` if one was refused.
fn refill(shared: &Shared, vacant: &[usize]) -> bool {
    for &place in vacant {
        // Without the lock: it takes a millisecond.
        match shared.launch.start(place) {
            Ok(lane) => shared.with(|state| {
                state.lanes[place] = Some(lane);
                state.settle();
            }),
            Err(error) => {
                shared.with(|state| {
                    state.start_failed(format!("was refused by the system: {error}"));
                });
                return false;
            }
        }
    }
    true
}

fn wait(shared: &Shared, plan: &Plan) {
    let mut descriptors = vec![PollFd::new(&shared.control, PollFlags::IN)];
    for (_, ports) in &plan.ports {
        descriptors.push(PollFd::new(&ports.pidfd, PollFlags::IN));
        descriptors.push(PollFd::new(&ports.event, PollFlags::IN));
        if let Some(stderr) = ports.stderr() {
            descriptors.push(PollFd::from_borrowed_fd(stderr, PollFlags::IN));
        }
    }
    let timeout = plan.timeout.and_then(|time| Timespec::try_from(time).ok());
    // Interrupted or out of time: everything is looked at in any case.
    let _ = poll(&mut descriptors, timeout.as_ref());
    let mut count = [0; 8];
    let _ = rustix::io::read(&shared.control, &mut count);
    for (_, ports) in &plan.ports {
        let _ = rustix::io::read(&ports.event, &mut count);
    }
}
