//! [`Progress`]: how far a running task has come, shared with the thread that watches time limits.

use std::mem;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::call::{Call, Hook};
use super::task::{Ended, Task};
use crate::frames;
use crate::order::Outcome;
use crate::panic::catch;
use crate::reason::Reason;
use crate::sync::lock;

/// The outcomes so far, and the deadline of the current input.
pub(crate) struct Progress {
    pub(crate) token: u64,
    count: u32,
    time_limit: Option<Duration>,
    pub(crate) started: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    outcomes: Vec<Outcome>,
    deadline: Option<Instant>,
    /// The watching thread has reported the task as timed out.
    given_up: bool,
}

impl Progress {
    pub(crate) fn new(task: &Task) -> Self {
        Self {
            token: task.token,
            count: task.count,
            time_limit: task.time_limit,
            started: Instant::now(),
            state: Mutex::default(),
        }
    }

    /// When to look again whether the task has run too long. Between two inputs it has no deadline.
    pub(crate) fn next_check(&self, now: Instant) -> Option<Instant> {
        let limit = self.time_limit?;
        lock(&self.state)
            .deadline
            .or_else(|| now.checked_add(limit))
    }

    /// Runs the inputs one after another. `None` if the task was given up meanwhile.
    pub(crate) fn run(&self, task: &Task, hook: &Hook) -> Option<Ended> {
        let mut rest: &[u8] = (*task.inputs).as_ref();
        for _ in 0..self.count {
            if !self.start_input() {
                return None;
            }
            let result = match frames::next(&mut rest) {
                Some(input) => {
                    let call = Call {
                        job: task.job,
                        input,
                        time_limit: task.time_limit,
                    };
                    catch(|| hook(call)).unwrap_or_else(|panic| Err(Reason::Panicked(panic)))
                }
                None => Err(Reason::Input("ends too early".to_owned())),
            };
            let outcome = result.map_or_else(Outcome::Failed, Outcome::Done);
            let mut state = lock(&self.state);
            state.outcomes.push(outcome);
            state.deadline = None;
        }
        self.take(|_| true)
    }

    fn start_input(&self) -> bool {
        let mut state = lock(&self.state);
        if let Some(limit) = self.time_limit {
            state.deadline = Instant::now().checked_add(limit);
        }
        !state.given_up
    }

    /// Gives the task up if its current input has run too long. The remaining inputs are not tried.
    pub(crate) fn give_up(&self, now: Instant) -> Option<Ended> {
        let limit = self.time_limit?;
        let mut ended =
            self.take(|state| state.deadline.is_some_and(|deadline| deadline <= now))?;
        ended
            .outcomes
            .push(Outcome::Failed(Reason::TimedOut(limit)));
        ended
            .outcomes
            .resize_with(self.count as usize, || Outcome::NotRun);
        Some(ended)
    }

    fn take(&self, condition: impl FnOnce(&State) -> bool) -> Option<Ended> {
        let mut state = lock(&self.state);
        if state.given_up || !condition(&state) {
            return None;
        }
        state.given_up = true;
        Some(Ended {
            token: self.token,
            outcomes: mem::take(&mut state.outcomes),
            ran: self.started.elapsed(),
        })
    }
}
