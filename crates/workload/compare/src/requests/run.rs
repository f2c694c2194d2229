//! The requests of one order, from the first session to the last answer.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use workload::definition::{Pattern, Talk, requests};
use workload::inputs::{self, Inputs, Task};
use workload::serve::{Order, Report};
use workload::value::digest_outputs;

use crate::client::{Answered, Client, Request, connect};
use crate::clock::Clock;
use crate::times::Times;

/// From the opening of the sessions to the first request, so that the server has accepted them.
const LEAD: Duration = Duration::from_millis(20);

/// How long to wait for answers after the last request was due.
const DRAIN: Duration = Duration::from_secs(30);

/// The interval between checks whether to end early.
const LOOK: Duration = Duration::from_millis(250);

/// Carries out an order; ends early once `over` is set.
pub(crate) fn run(order: &Order, over: &AtomicBool) -> Result<Report, String> {
    let inputs = inputs::read(&order.inputs).map_err(|error| error.to_string())?;
    let Pattern::Serve {
        sessions,
        rate,
        seconds,
        talk,
    } = inputs.header.pattern
    else {
        return Err("only the pattern `serve` has requests".to_owned());
    };
    if inputs.tasks.is_empty() {
        return Err("there is nothing to ask for without tasks".to_owned());
    }
    let failed = |error: std::io::Error| format!("the requests failed: {error}");
    let clock = Clock::new().map_err(failed)?;
    let mut clients = Vec::with_capacity(sessions);
    while clients.len() < sessions {
        let number = clients.len();
        let opened = Client::open(order.server, over)
            .and_then(|client| clock.add(client.stream(), number).map(|()| client));
        match opened {
            Ok(client) => clients.push(client),
            Err(error) => {
                drop(clients);
                release(order.server, sessions - number, over);
                return Err(format!(
                    "session {number} of {sessions} cannot be opened: {error}"
                ));
            }
        }
    }
    let run = Run {
        asked: 0,
        answered: 0,
        outputs: vec![None; inputs.tasks.len()],
        all: requests(rate, seconds),
        rate,
        talk,
        begin: Instant::now() + LEAD,
        responses: Times::new(),
        lateness: Times::new(),
        last: Duration::ZERO,
        least: inputs.tasks.iter().map(waits).min().unwrap_or_default(),
        inputs,
        clients,
        clock,
    };
    run.finish(over)
}

fn waits(task: &Task) -> Duration {
    Duration::from_nanos(task.waiting_ns())
}

/// Opens and closes the sessions that a server still waits for, so that it ends.
fn release(server: SocketAddr, sessions: usize, over: &AtomicBool) {
    for _ in 0..sessions {
        if connect(server, DRAIN, over).is_err() {
            return;
        }
    }
}

struct Run {
    inputs: Inputs,
    clients: Vec<Client>,
    clock: Clock,
    talk: Talk,
    rate: f64,
    /// The number of all requests, of those that were due, and of those that were answered.
    all: usize,
    asked: usize,
    answered: usize,
    /// The time at which request 0 is due.
    begin: Instant,
    /// The shortest wait of any task.
    least: Duration,
    /// By task.
    outputs: Vec<Option<u64>>,
    responses: Times,
    /// The delay of requests whose session was idle when they were due.
    lateness: Times,
    /// The time of the last answer, since the beginning.
    last: Duration,
}

impl Run {
    fn finish(mut self, over: &AtomicBool) -> Result<Report, String> {
        let end = self.due(self.all) + DRAIN;
        while self.answered < self.all {
            self.send_due()?;
            let until = if self.asked < self.all {
                self.due(self.asked)
            } else {
                end
            };
            let ready = self.clock.wait(until.min(Instant::now() + LOOK));
            if over.load(Ordering::SeqCst) {
                return Err("the sample ended before its requests did".to_owned());
            }
            for number in ready.map_err(|error| format!("the requests failed: {error}"))? {
                let answers = self.clients[number].readable(self.talk)?;
                let now = Instant::now();
                for answer in answers {
                    self.take(&answer, now)?;
                }
            }
            if self.asked == self.all && self.answered < self.all && Instant::now() >= end {
                return Err(format!(
                    "{} of {} requests were not answered within {} s after the last was due",
                    self.all - self.answered,
                    self.all,
                    DRAIN.as_secs()
                ));
            }
        }
        Ok(self.report())
    }

    fn due(&self, request: usize) -> Instant {
        self.begin + Duration::from_secs_f64(request as f64 / self.rate)
    }

    fn send_due(&mut self) -> Result<(), String> {
        while self.asked < self.all {
            let due = self.due(self.asked);
            let now = Instant::now();
            if due > now {
                break;
            }
            let task = self.asked % self.inputs.tasks.len();
            let request = Request {
                task,
                seed: self.inputs.tasks[task].seed,
                due,
                least: match self.talk {
                    Talk::Tasks => waits(&self.inputs.tasks[task]),
                    // The server chooses the task that comes before a guess.
                    Talk::Guess => self.least,
                },
            };
            let session = self.asked % self.clients.len();
            if self.clients[session].ask(request, self.talk)? {
                self.lateness.add(now - due);
            }
            self.asked += 1;
        }
        Ok(())
    }

    fn take(&mut self, answer: &Answered, now: Instant) -> Result<(), String> {
        let Request { task, due, .. } = answer.request;
        self.responses.add(now.saturating_duration_since(due));
        self.last = now.saturating_duration_since(self.begin);
        self.answered += 1;
        match self.outputs[task].replace(answer.output) {
            Some(before) if before != answer.output => Err(format!(
                "wrong answer: task {task} was answered with {before:016x}, then with {:016x}",
                answer.output
            )),
            _ => Ok(()),
        }
    }

    fn report(self) -> Report {
        let mut metrics = BTreeMap::new();
        self.responses.write_to("response", &mut metrics);
        self.lateness.write_to("send_lateness", &mut metrics);
        let rate = self.all as f64 / self.last.as_secs_f64().max(1e-9);
        metrics.insert("achieved_rate".to_owned(), rate);
        Report::Done {
            wall_ns: u64::try_from(self.last.as_nanos()).unwrap_or(u64::MAX),
            // Tasks that were requested come first: request `k` is for task `k` modulo their
            // number.
            digest: digest_outputs(self.outputs.into_iter().flatten()),
            metrics,
        }
    }
}
