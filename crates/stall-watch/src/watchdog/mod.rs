//! The thread that watches.

mod lateness;
mod limit;
mod quota;
mod sink;
mod track;

use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, SystemTime};

use crate::seat::Seat;
use crate::shared::Shared;
use crate::slot::Look;
use crate::stall::{Phase, Stall};
use crate::thread::Thread;
use lateness::Lateness;
use quota::Quota;

pub(crate) use lateness::Usage;
pub(crate) use limit::Limit;
pub(crate) use sink::Sink;
pub(crate) use track::{Due, Glance, Over, Track};

/// It looks so many times within the threshold. A stall is seen when it has passed the threshold, at the latest one look
/// after that; of an unwrapped task the beginning is not known, which costs one look more: 1.4 times the threshold.
const LOOKS: u32 = 5;

/// After so many looks at which nothing had happened it stops looking, and is woken by the next poll.
const QUIET_LOOKS: u32 = 10;

/// How long it sleeps then, at most. See [`Watchdog::nap`].
const DOZE: Duration = Duration::from_secs(1);

/// What was found at one look, still without its circumstances.
pub(crate) struct Finding {
    pub(crate) phase: Phase,
    /// The limit held the report back at an earlier look.
    pub(crate) is_owed: bool,
    pub(crate) lasted: u64,
    pub(crate) thread: Option<Arc<Thread>>,
    pub(crate) look: Option<Look>,
    /// The seat, in order to see whether it is still at it.
    #[cfg_attr(
        not(all(feature = "backtrace", target_os = "linux")),
        expect(dead_code, reason = "only a backtrace takes long enough for that")
    )]
    pub(crate) seat: Option<Arc<Seat>>,
    pub(crate) worker: Option<usize>,
    pub(crate) of: Of,
}

/// Whose finding it is.
pub(crate) enum Of {
    /// The seat at this place.
    Seat(usize),
    /// The worker at this place of the runtime at that place.
    #[cfg(feature = "tokio")]
    Worker(usize, usize),
    /// A stall that is over: what was told about it.
    Past(Box<Stall>),
}

pub(crate) struct Followed {
    pub(crate) seat: Arc<Seat>,
    pub(crate) track: Track<Box<Stall>>,
    turn: u64,
}

pub(crate) struct Watchdog {
    shared: Arc<Shared>,
    period: Duration,
    seats: Vec<Followed>,
    #[cfg(feature = "tokio")]
    workers: crate::runtime::Workers,
    sink: Sink,
    limit: Limit,
    #[cfg(all(feature = "backtrace", target_os = "linux"))]
    backtraces: bool,
}

impl Watchdog {
    pub(crate) fn new(shared: Arc<Shared>, sink: Sink, limit: Limit) -> Self {
        let period = Duration::from_nanos(shared.threshold) / LOOKS;
        Self {
            shared,
            period,
            seats: Vec::new(),
            #[cfg(feature = "tokio")]
            workers: crate::runtime::Workers::default(),
            sink,
            limit,
            #[cfg(all(feature = "backtrace", target_os = "linux"))]
            backtraces: false,
        }
    }

    #[cfg(all(feature = "backtrace", target_os = "linux"))]
    pub(crate) fn with_backtraces(self, backtraces: bool) -> Self {
        Self { backtraces, ..self }
    }

    /// Watches until told to stop.
    pub(crate) fn run(mut self) {
        #[cfg(all(feature = "backtrace", target_os = "linux"))]
        if self.backtraces {
            crate::backtrace::warm_up();
        }
        // Nobody polls yet.
        let mut quiet = QUIET_LOOKS;
        let mut slept_from = self.shared.now();
        let mut looked_at = slept_from;
        let mut lateness = Lateness::new();
        let mut quota = Quota::default();
        while !self.shared.is_stopped() {
            let was_dozing = self.shared.is_dozing();
            let planned = self.nap(quiet, was_dozing);
            thread::park_timeout(planned);
            let now = self.shared.now();
            let asleep = now - slept_from;
            let woken_from_doze = was_dozing && !self.shared.is_dozing();
            let late = asleep.saturating_sub(planned.as_nanos() as u64);
            let split = lateness.split(late);
            let is_very_late = late > self.shared.threshold / 2 && !woken_from_doze;
            let has_quota = quota.in_force(now);
            let overslept = match () {
                // When it should have woken is not known, but this poll has just begun.
                () if woken_from_doze => asleep,
                () if is_very_late || has_quota => late,
                // On a busy machine the watchdog waits for a CPU now and then. The threads that it
                // watches run meanwhile, so a stall is a stall.
                () => split.stopped,
            };
            if is_very_late {
                self.shared.counts.overslept.fetch_add(1, Ordering::Relaxed);
            }
            let glance = Glance {
                now,
                overslept,
                interval: now - looked_at,
                threshold: self.shared.threshold,
                has_quota,
            };
            looked_at = now;
            let (findings, active) = self.look(glance);
            slept_from = now;
            let held_up = self.held_up();
            let ongoing = &self.shared.counts.ongoing;
            ongoing.store(held_up.0 as u64, Ordering::Relaxed);
            if !findings.is_empty() {
                self.report(findings, held_up);
                // What a callback takes is not sleep.
                slept_from = self.shared.now();
                lateness.mark();
            }
            quiet = if active || woken_from_doze {
                self.shared.set_dozing(false);
                0
            } else {
                quiet.saturating_add(1)
            };
        }
        self.shared.counts.ongoing.store(0, Ordering::Relaxed);
        crate::contain::drop_contained(self.sink);
    }

    /// How long to sleep until the next look.
    ///
    /// When nothing has happened for a while it asks, with a flag, to be woken by the next poll. The polling thread
    /// reads that flag without a fence, so it may still have an old copy; but then its poll began before the flag had
    /// spread, which takes far less than a period, and is seen at the one look that still follows. Only after that it
    /// sleeps. The longest sleep bounds the harm should a machine ever do otherwise.
    fn nap(&self, quiet: u32, dozing: bool) -> Duration {
        if quiet < QUIET_LOOKS {
            return self.period;
        }
        if !dozing {
            self.shared.set_dozing(true);
            return self.period;
        }
        DOZE
    }

    /// Looks at everybody once. Says also whether anybody has done anything.
    fn look(&mut self, glance: Glance) -> (Vec<Finding>, bool) {
        let mut findings = Vec::new();
        let mut active = false;
        self.follow_seats(&mut findings);
        for (place, followed) in self.seats.iter_mut().enumerate() {
            let seat = &followed.seat;
            let turn = seat.slot.turn();
            let look = seat.slot.look();
            active |= look.is_some() || turn != followed.turn;
            followed.turn = turn;
            // A quota stops threads one by one, this one perhaps not.
            let usage = (glance.has_quota && look.is_some())
                .then(|| Usage::of(seat.thread.os_id))
                .flatten();
            let current = look.map(|look| (look.turn, look.since));
            let (over, step) = followed.track.observe(glance, current, usage);
            findings.extend(over.and_then(|over| ended(seat, over)));
            findings.extend(followed.track.due(step).map(|due| Finding {
                phase: due.phase,
                is_owed: due.is_owed,
                lasted: due.lasted,
                thread: Some(Arc::clone(&seat.thread)),
                look,
                seat: Some(Arc::clone(seat)),
                worker: None,
                of: Of::Seat(place),
            }));
        }
        #[cfg(feature = "tokio")]
        {
            let (shared, seats) = (&self.shared, &self.seats);
            active |= self.workers.look(glance, shared, seats, &mut findings);
        }
        (findings, active)
    }

    /// Takes in threads that have come, and forgets those that are gone.
    fn follow_seats(&mut self, findings: &mut Vec<Finding>) {
        let seats = self.shared.seats();
        self.seats.retain_mut(|followed| {
            let stays = seats.iter().any(|seat| Arc::ptr_eq(seat, &followed.seat));
            if !stays {
                let over = followed.track.end();
                findings.extend(over.and_then(|over| ended(&followed.seat, over)));
            }
            stays
        });
        for seat in seats {
            if !self
                .seats
                .iter()
                .any(|other| Arc::ptr_eq(&other.seat, &seat))
            {
                self.seats.push(Followed {
                    turn: 0,
                    track: Track::default(),
                    seat,
                });
            }
        }
    }

    fn held_up(&self) -> (usize, usize) {
        let seats = self
            .seats
            .iter()
            .filter(|followed| followed.track.is_held_up());
        let counts = (seats.count(), self.seats.len());
        #[cfg(feature = "tokio")]
        let counts = {
            let (held_up, watched) = self.workers.held_up(&self.seats);
            (counts.0 + held_up, counts.1 + watched)
        };
        counts
    }

    fn track(&mut self, of: &Of) -> Option<&mut Track<Box<Stall>>> {
        match *of {
            Of::Seat(place) => Some(&mut self.seats[place].track),
            #[cfg(feature = "tokio")]
            Of::Worker(runtime, worker) => self.workers.track(runtime, worker),
            Of::Past(_) => None,
        }
    }

    fn report(&mut self, mut findings: Vec<Finding>, held_up: (usize, usize)) {
        self.limit.watched(held_up.1);
        // What was held back goes first, the longest stall before all: short stalls of other
        // threads must not use up the limit again and again.
        findings.sort_by_key(|finding| {
            let is_past = matches!(finding.of, Of::Past(_));
            Reverse((is_past, finding.is_owed, finding.lasted))
        });
        for finding in findings {
            let Some(stall) = self.stall(finding, held_up) else {
                continue;
            };
            if !self.sink.report(&stall) {
                let panics = &self.shared.counts.callback_panics;
                panics.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// The report about a finding, if the limit lets it through. The first time counts it in
    /// either case.
    fn stall(&mut self, finding: Finding, held_up: (usize, usize)) -> Option<Stall> {
        let shared = Arc::clone(&self.shared);
        let lasted = Duration::from_nanos(finding.lasted);
        if let Of::Past(told) = finding.of {
            return Some(Stall {
                phase: Phase::Ended,
                lasted,
                held_up,
                suppressed: 0,
                #[cfg(all(feature = "backtrace", target_os = "linux"))]
                backtrace: None,
                ..*told
            });
        }
        let allowed = if finding.is_owed {
            Some(self.limit.take_again(shared.now())?)
        } else {
            self.limit.take(shared.now())
        };
        let task = |id| shared.sites.find(id).map(|site| site.task.clone());
        let look = finding.look;
        let stall = Stall {
            phase: finding.phase,
            thread: finding.thread.clone(),
            task: look.and_then(|look| task(look.site)),
            within: look
                .filter(|look| look.inner != look.site)
                .and_then(|look| task(look.inner)),
            worker: finding.worker,
            since: SystemTime::now()
                .checked_sub(lasted)
                .unwrap_or(SystemTime::UNIX_EPOCH),
            lasted,
            held_up,
            suppressed: allowed.unwrap_or(0),
            #[cfg(all(feature = "backtrace", target_os = "linux"))]
            backtrace: if self.backtraces && allowed.is_some() {
                capture(&finding, self.period)
            } else {
                None
            },
        };
        if finding.phase == Phase::Began && !finding.is_owed {
            shared.keep(&stall);
            shared.counts.stalls.fetch_add(1, Ordering::Release);
        }
        if allowed.is_none() {
            shared.counts.suppressed.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        if let Some(track) = self.track(&finding.of) {
            track.tell(Box::new(stall.clone()));
        }
        Some(stall)
    }
}

/// What the thread is doing, unless it has gone on meanwhile.
#[cfg(all(feature = "backtrace", target_os = "linux"))]
fn capture(finding: &Finding, patience: Duration) -> Option<crate::backtrace::Backtrace> {
    let before = finding.seat.as_ref().map(|seat| seat.slot.turn());
    if finding
        .look
        .map(|look| look.turn)
        .is_some_and(|turn| before != Some(turn))
    {
        return None;
    }
    let thread = finding.thread.as_ref()?.os_id?;
    crate::backtrace::of_thread(thread, patience, || {
        let after = finding.seat.as_ref().map(|seat| seat.slot.turn());
        before == after
    })
}

fn ended(seat: &Arc<Seat>, over: Over<Box<Stall>>) -> Option<Finding> {
    let took = seat.slot.ended(over.turn);
    past(
        over.told?,
        took.map_or(over.at_least, |took| took.saturating_sub(over.forgiven)),
    )
}

pub(crate) fn past(told: Box<Stall>, lasted: u64) -> Option<Finding> {
    Some(Finding {
        phase: Phase::Ended,
        is_owed: false,
        lasted,
        thread: None,
        look: None,
        seat: None,
        worker: None,
        of: Of::Past(told),
    })
}
