//! [`Outbox`]: reports to callers, many in one message, and those that no caller received.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::Subject;
use bytes::Bytes;

use super::held::Held;
use crate::nats::report::{self, Head, News};
use crate::nats::server::Server;

/// How long the server may take to say that a caller is not there. If it takes longer, the jobs
/// run again.
const REMEMBERED: Duration = Duration::from_millis(500);
/// How long reports are kept for a caller that is not there: it may be about to connect again.
const CALLER_GONE: Duration = Duration::from_secs(15);
/// The bytes of reports that are remembered or kept at most. Beyond it some are dropped, and if no
/// caller received them, their jobs run again: first the oldest of callers that are not there.
const MAX_KEPT_BYTES: usize = 64 << 20;

/// The bytes of the numbers in the head of a report, at most.
const MAX_HEAD_BYTES: usize = 64;
/// The bytes of a report with a few small outcomes.
const USUAL_BYTES: usize = 1_024;

/// Reports to callers.
pub(super) struct Outbox {
    server: Server,
    limit: usize,
    filling: HashMap<Arc<str>, Filling>,
    /// Published a moment ago.
    sent: VecDeque<(u64, Instant, Parcel)>,
    /// Reports whose caller was not there.
    kept: VecDeque<Parcel>,
    held_bytes: usize,
    next: u64,
}

/// A report that is being written.
#[derive(Default)]
struct Filling {
    bytes: Vec<u8>,
    jobs: Vec<Job>,
}

/// A job that ends by a report: the index of its line, and the subject that acknowledges it.
type Job = (usize, Option<Subject>);

/// A report that was published.
struct Parcel {
    caller: Arc<str>,
    bytes: Bytes,
    jobs: Vec<Job>,
    /// When it was first published.
    since: Instant,
}

impl Outbox {
    pub(super) fn new(server: &Server, limit: usize) -> Self {
        Self {
            server: server.clone(),
            limit,
            filling: HashMap::new(),
            sent: VecDeque::new(),
            kept: VecDeque::new(),
            held_bytes: 0,
            next: 0,
        }
    }

    /// Adds a note about a job that runs.
    pub(super) async fn note(&mut self, caller: &Arc<str>, head: &Head<'_>) {
        let filling = self.filling(caller, MAX_HEAD_BYTES).await;
        report::append_head(head, &mut filling.bytes);
    }

    /// Adds the outcomes of a job.
    pub(super) async fn end(
        &mut self,
        job: Held,
        ran_us: u64,
        object: Option<&str>,
        outcomes: &[u8],
    ) {
        let ack = job.ack.as_deref().unwrap_or_default();
        let bytes = MAX_HEAD_BYTES + ack.len() + object.map_or(0, str::len) + outcomes.len();
        let filling = self.filling(&job.caller, bytes).await;
        let head = job.head(News::Ended {
            ran_us,
            ack,
            count: job.count,
            object,
        });
        report::append_head(&head, &mut filling.bytes);
        filling.bytes.extend_from_slice(outcomes);
        filling.jobs.push((job.line, job.ack));
    }

    /// The report for this caller, with room for `bytes` more unless it is empty.
    async fn filling(&mut self, caller: &Arc<str>, bytes: usize) -> &mut Filling {
        let filling = self.filling.get(caller);
        let filled = filling.map_or(0, |filling| filling.bytes.len());
        if filled > 0
            && filled + bytes > self.limit
            && let Some(full) = self.filling.remove(caller)
        {
            self.publish_first(Arc::clone(caller), full).await;
        }
        let filling = self.filling.entry(Arc::clone(caller)).or_default();
        if filling.bytes.capacity() == 0 {
            filling.bytes.reserve(bytes.max(USUAL_BYTES));
        }
        filling
    }

    /// Publishes what has been added.
    pub(super) async fn flush(&mut self) {
        while let Some(caller) = self.filling.keys().next().map(Arc::clone) {
            if let Some(filling) = self.filling.remove(&caller) {
                self.publish_first(caller, filling).await;
            }
        }
        let now = Instant::now();
        while self
            .sent
            .front()
            .is_some_and(|(_, at, _)| now.duration_since(*at) > REMEMBERED)
        {
            if let Some((_, _, parcel)) = self.sent.pop_front() {
                self.held_bytes -= parcel.bytes.len();
            }
        }
        while self.held_bytes > MAX_KEPT_BYTES {
            let sent = &mut self.sent;
            let oldest = self.kept.pop_front();
            let Some(parcel) = oldest.or_else(|| Some(sent.pop_front()?.2)) else {
                break;
            };
            self.held_bytes -= parcel.bytes.len();
        }
    }

    async fn publish_first(&mut self, caller: Arc<str>, filling: Filling) {
        let parcel = Parcel {
            caller,
            bytes: filling.bytes.into(),
            jobs: filling.jobs,
            since: Instant::now(),
        };
        self.publish(parcel).await;
    }

    async fn publish(&mut self, parcel: Parcel) {
        let number = self.next;
        self.next += 1;
        let subject = self.server.names.reports(&parcel.caller);
        let reply = format!("{}.rep.{number}", self.server.inbox);
        // It fails only for a malformed subject or a closed connection.
        let _ = self
            .server
            .client
            .publish_with_reply(subject, reply, parcel.bytes.clone())
            .await;
        // Only for the server's note that the caller is not there.
        if !parcel.jobs.is_empty() {
            self.held_bytes += parcel.bytes.len();
            self.sent.push_back((number, Instant::now(), parcel));
        }
    }

    /// The caller of a report is not there.
    pub(super) fn unheard(&mut self, number: u64) {
        let at = self.sent.iter().position(|(sent, _, _)| *sent == number);
        if let Some((_, _, parcel)) = at.and_then(|at| self.sent.remove(at)) {
            self.kept.push_back(parcel);
        }
    }

    /// The server lost the consumer of this line: nothing is acknowledged by the old numbers.
    pub(super) fn forget_numbers(&mut self, line: usize) {
        let sent = self.sent.iter_mut().map(|(_, _, parcel)| parcel);
        let published = sent.chain(&mut self.kept).map(|parcel| &mut parcel.jobs);
        let filling = self.filling.values_mut().map(|filling| &mut filling.jobs);
        for (of, ack) in published.chain(filling).flatten() {
            if *of == line {
                *ack = None;
            }
        }
    }

    /// Tries the kept reports again, and keeps their jobs from being delivered again. A caller that
    /// stays away is gone: its jobs are acknowledged.
    pub(super) async fn heartbeat(&mut self) {
        let now = Instant::now();
        for parcel in std::mem::take(&mut self.kept) {
            self.held_bytes -= parcel.bytes.len();
            let is_gone = now.duration_since(parcel.since) > CALLER_GONE;
            let verb: &'static [u8] = if is_gone { b"+ACK" } else { b"+WPI" };
            for ack in parcel.jobs.iter().filter_map(|(_, ack)| ack.as_ref()) {
                self.server.publish(ack.clone(), verb).await;
            }
            if !is_gone {
                self.publish(parcel).await;
            }
        }
    }
}
