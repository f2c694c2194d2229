//! The embedded engine: jobs run on threads of this process.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::caller::engine::Engine;
use crate::caller::ledger::{Begin, Ledger, Report, Verdict};
use crate::error::JobError;
use crate::ids::IdMap;
use crate::order::{Batch, Order};
use crate::registry::Jobs;
use crate::slots::call::Call;
use crate::slots::pool::{Owner, Slots};
use crate::slots::task::{Ended, Task};
use crate::sync::lock;

/// The inputs of a chunk: what a message of the NATS engine carries.
const MAX_CHUNK_BYTES: usize = 64 << 10;

/// Runs jobs on threads of this process.
pub(crate) struct Local {
    slots: Arc<Slots>,
    table: Arc<Table>,
    jobs: Option<Jobs>,
    max_input_bytes: usize,
}

struct Table {
    ledger: Arc<Ledger>,
    orders: Mutex<Orders>,
}

#[derive(Default)]
struct Orders {
    waiting: IdMap<Waiting>,
    /// Tasks in the queue whose orders were cancelled, at least.
    cancelled: usize,
}

struct Waiting {
    order: Arc<Order>,
    /// The number of times the job was begun.
    deliveries: u64,
}

struct OrderInputs(Arc<Order>);

impl AsRef<[u8]> for OrderInputs {
    fn as_ref(&self) -> &[u8] {
        &self.0.inputs
    }
}

impl Local {
    pub(crate) fn start(
        slots: usize,
        jobs: Option<Jobs>,
        max_input_bytes: usize,
        ledger: &Arc<Ledger>,
    ) -> io::Result<Self> {
        let table = Arc::new(Table {
            ledger: Arc::clone(ledger),
            orders: Mutex::default(),
        });
        let owner = Arc::clone(&table);
        let slots = Slots::start(slots, Box::new(|call: Call<'_>| call.here()), owner)?;
        Ok(Self {
            slots,
            table,
            jobs,
            max_input_bytes,
        })
    }
}

impl Engine for Local {
    fn send(&self, id: u64, order: Arc<Order>) {
        if self
            .jobs
            .is_some_and(|jobs| jobs.find(order.job.name).is_none())
        {
            let error = JobError::Unclaimed {
                name: order.job.name,
                waited: std::time::Duration::ZERO,
            };
            self.table.ledger.fail(id, error);
            return;
        }
        let task = task(id, &order);
        let waiting = Waiting {
            order,
            deliveries: 0,
        };
        lock(&self.table.orders).waiting.insert(id, waiting);
        self.slots.push(task, None);
    }

    /// The task of a cancelled order stays in the queue until a slot takes it, or until most tasks
    /// there are like it: looking for each would take as long as the queue.
    fn forget(&self, id: u64) {
        let cancelled = {
            let mut orders = lock(&self.table.orders);
            if orders.waiting.remove(&id).is_none() {
                return;
            }
            orders.cancelled += 1;
            orders.cancelled
        };
        let is_cancelled =
            |task: &Task| !lock(&self.table.orders).waiting.contains_key(&task.token);
        if self.slots.discard_many(cancelled, is_cancelled) {
            lock(&self.table.orders).cancelled = 0;
        }
    }

    fn max_input_bytes(&self) -> usize {
        self.max_input_bytes
    }

    fn max_chunk_bytes(&self) -> usize {
        MAX_CHUNK_BYTES
    }

    fn stop(&self, waits: bool) {
        self.slots.finish(waits);
    }
}

fn task(id: u64, order: &Arc<Order>) -> Task {
    Task {
        token: id,
        job: order.job,
        count: order.count,
        inputs: Box::new(OrderInputs(Arc::clone(order))),
        time_limit: order.time_limit,
        queued: Instant::now(),
    }
}

impl Table {
    fn begin(&self, id: u64) -> bool {
        let (nonce, delivery) = {
            let mut orders = lock(&self.orders);
            let Some(waiting) = orders.waiting.get_mut(&id) else {
                // It was cancelled.
                orders.cancelled = orders.cancelled.saturating_sub(1);
                return false;
            };
            waiting.deliveries += 1;
            (waiting.order.nonce, waiting.deliveries)
        };
        self.ledger.begin(id, nonce, delivery) == Begin::Go
    }

    /// Reports the end of a task. Returns the task again if another attempt is due, and when.
    fn end(&self, ended: Ended) -> Option<(Task, Option<Instant>)> {
        let id = ended.token;
        let (order, delivery) = {
            let orders = lock(&self.orders);
            let waiting = orders.waiting.get(&id)?;
            (Arc::clone(&waiting.order), waiting.deliveries)
        };
        let batch = Batch {
            outcomes: ended.outcomes,
            ran: ended.ran,
        };
        let report = Report {
            id,
            nonce: order.nonce,
            delivery,
            batch,
        };
        match self.ledger.report(report) {
            Verdict::Retry(pause) if pause.is_zero() => Some((task(id, &order), None)),
            Verdict::Retry(pause) => Some((task(id, &order), Instant::now().checked_add(pause))),
            Verdict::Ended | Verdict::Late | Verdict::Unknown => {
                lock(&self.orders).waiting.remove(&id);
                None
            }
        }
    }
}

impl Owner for Table {
    fn hand_over(&self, slots: &Arc<Slots>, ended: Option<Ended>, next: Option<u64>) -> bool {
        if let Some(ended) = ended
            && let Some((task, when)) = self.end(ended)
        {
            slots.push(task, when);
        }
        next.is_none_or(|id| self.begin(id))
    }

    /// The remaining slots go on; the others come back when their jobs return.
    fn exhausted(&self) {}
}
