//! Outcomes that are too large for a message, and the deletion of objects.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use async_nats::Subject;
use tokio::time::{interval, sleep, timeout};

use super::command::{Command, Fetched, Finished};
use super::desk::Desk;
use super::sending::object_name;
use super::tracked::Tracked;
use crate::nats::report::{self, Head, News};
use crate::nats::server::Server;
use crate::order::Outcome;
use crate::reason::Reason;

/// The largest outcomes that are fetched.
const MAX_OUTCOME_BYTES: usize = 256 << 20;
/// How often the server is told that a job is not dead while its outcomes are fetched: five times
/// in the shortest `ack_wait`.
const PROGRESS: Duration = Duration::from_millis(50);
/// How long outcomes may take to arrive.
const FETCH: Duration = Duration::from_secs(300);
/// How long other callers with the same key may take to fetch the outcomes as well.
const SHARED: Duration = Duration::from_secs(30);

/// Waits for the value, and tells the server meanwhile that the job is not dead.
async fn with_progress<T>(value: impl Future<Output = T>, server: &Server, ack: &str) -> T {
    tokio::pin!(value);
    let mut progress = interval(PROGRESS);
    loop {
        tokio::select! {
            value = &mut value => return value,
            _ = progress.tick(), if !ack.is_empty() => {
                server.publish(Subject::from(ack), b"+WPI").await;
            }
        }
    }
}

impl Desk {
    /// Gets the outcomes out of the object store. The job has no worker meanwhile, so this end
    /// keeps the server from delivering it again.
    pub(super) fn fetch(&mut self, head: &Head<'_>, name: &str) {
        let News::Ended {
            count, ran_us, ack, ..
        } = head.news
        else {
            return;
        };
        let names = &self.server.names;
        let tracked = self.tracked.get_mut(&head.id).filter(|tracked| {
            let address = &tracked.address;
            // Only the object that the worker of this job has made.
            tracked.order.nonce == head.nonce
                && tracked.order.count == count
                && name == format!("{}-{}-{}-out", address.caller, address.id, head.delivery)
                && (ack.is_empty() || names.is_ack(ack, &tracked.route.encoded))
        });
        let Some(tracked) = tracked else {
            self.ledger.count(|counts| counts.ignored += 1);
            return;
        };
        if tracked.fetching == Some(head.delivery) {
            return;
        }
        tracked.fetching = Some(head.delivery);
        let finished = Finished {
            id: head.id,
            nonce: head.nonce,
            delivery: head.delivery,
            ran_us,
            ack: Cow::Owned(ack.to_owned()),
            outcomes: Vec::new(),
        };
        let (objects, server) = (self.objects.clone(), self.server.clone());
        let (commands, name) = (self.commands.clone(), name.to_owned());
        tokio::spawn(async move {
            let get = timeout(FETCH, objects.get(&name, MAX_OUTCOME_BYTES));
            let bytes = with_progress(get, &server, &finished.ack).await;
            let outcomes = match bytes {
                Ok(Ok(bytes)) => report::take_outcomes(count, &mut &bytes[..])
                    .ok_or_else(|| "it is malformed".to_owned()),
                Ok(Err(why)) => Err(why),
                Err(_) => Err("it did not arrive in time".to_owned()),
            };
            let fetched = Fetched {
                finished,
                name,
                outcomes,
            };
            let _ = commands.send(Command::Fetched(Box::new(fetched)));
        });
    }

    /// The outcomes are here, or the attempt has failed.
    pub(super) async fn on_fetched(&mut self, fetched: Fetched) {
        let Fetched {
            mut finished,
            name,
            outcomes,
        } = fetched;
        let tracked = self.tracked.get_mut(&finished.id);
        let Some(tracked) = tracked.filter(|job| job.fetching == Some(finished.delivery)) else {
            // The job was cancelled, or sent again.
            self.delete(name, Duration::ZERO);
            return;
        };
        tracked.fetching = None;
        tracked.heard = Instant::now();
        let count = tracked.order.count;
        let pause = if tracked.order.key.is_some() {
            SHARED
        } else {
            Duration::ZERO
        };
        finished.outcomes = outcomes.unwrap_or_else(|why| {
            let fail = |_| Outcome::Failed(Reason::Output(format!("could not be fetched: {why}")));
            (0..count).map(fail).collect()
        });
        self.settle(vec![finished]).await;
        // After the result is here: until then the job may have to be fetched again.
        self.delete(name, pause);
    }

    /// Deletes the objects with the inputs of a job that has ended.
    pub(super) fn clean_up(&mut self, tracked: &Tracked) {
        for &id in &tracked.objects {
            self.delete(object_name(&self.server, id), Duration::ZERO);
        }
    }

    fn delete(&mut self, name: String, pause: Duration) {
        let objects = self.objects.clone();
        self.deletions.add(async move {
            sleep(pause).await;
            objects.delete(&name).await;
        });
    }
}
