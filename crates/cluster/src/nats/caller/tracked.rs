//! [`Tracked`]: an open job, as far as the server is concerned.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::Subject;
use tokio::task::AbortHandle;

use crate::nats::message::Address;
use crate::nats::names::{Names, encoded};
use crate::order::Order;

/// An open job on its way.
pub(super) struct Tracked {
    pub(super) order: Arc<Order>,
    pub(super) route: Arc<Route>,
    /// When it was last published.
    pub(super) published: Instant,
    /// The number of the message in the stream, once the server has acknowledged it.
    pub(super) sequence: Option<u64>,
    /// When something was last heard of the job.
    pub(super) heard: Instant,
    /// When the server was last asked whether it still has the job.
    pub(super) looked_up: Instant,
    /// If no more is heard for this long, the worker that runs the job is lost.
    pub(super) silence: Option<Duration>,
    /// The job has ended here. The message is deleted once its number is known.
    pub(super) is_withdrawn: bool,
    /// The inputs are in the object store.
    pub(super) is_object: bool,
    /// Where reports about it go, and how they name it.
    pub(super) address: Address,
    /// Forwards reports to a job with a key.
    pub(super) _forwarder: Option<Forwarder>,
    /// The server has lost the job before, so its key must not keep it from being sent again.
    pub(super) was_lost: bool,
}

/// A task that is ended with its job.
pub(super) struct Forwarder(pub(super) AbortHandle);

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The names of a job on the server.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) name: &'static str,
    pub(super) encoded: String,
    pub(super) subject: Subject,
}

/// The routes of the jobs that were submitted.
#[derive(Default)]
pub(super) struct Routes(HashMap<&'static str, Arc<Route>>);

impl Routes {
    pub(super) fn get(&mut self, names: &Names, name: &'static str) -> Arc<Route> {
        let route = self.0.entry(name).or_insert_with(|| {
            let encoded = encoded(name);
            Arc::new(Route {
                name,
                subject: names.job(&encoded).into(),
                encoded,
            })
        });
        Arc::clone(route)
    }
}
