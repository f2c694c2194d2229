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
    /// When that number came.
    pub(super) numbered: Instant,
    /// When something was last heard of the job.
    pub(super) heard: Instant,
    /// When the server was last asked whether it still has the job.
    pub(super) looked_up: Instant,
    /// If no more is heard for this long, the worker that runs the job is lost.
    pub(super) silence: Option<Duration>,
    /// The job has ended here. The message is deleted once its number is known.
    pub(super) is_withdrawn: bool,
    /// The inputs travel through the object store.
    pub(super) is_object: bool,
    /// They are there, or travel in the message.
    pub(super) is_stored: bool,
    /// The jobs whose inputs in the object store are deleted when this one has ended.
    pub(super) objects: Vec<u64>,
    /// The delivery whose outcomes are being fetched out of the object store.
    pub(super) fetching: Option<u64>,
    /// Where reports about it go, and how they name it.
    pub(super) address: Address,
    /// The number under which the server has had the job before: its key must not keep it from
    /// being sent again.
    pub(super) lost: Option<u64>,
}

impl Tracked {
    /// Whether the job is on the server, and no worker is known to run it.
    pub(super) fn is_waiting(&self) -> bool {
        self.sequence.is_some() && self.silence.is_none() && self.fetching.is_none()
    }

    /// Whether its worker had been silent for too long at this time.
    pub(super) fn is_silent(&self, at: Instant) -> bool {
        let quiet = at.saturating_duration_since(self.heard);
        self.sequence.is_some()
            && self.fetching.is_none()
            && self.silence.is_some_and(|silence| quiet > silence)
    }
}

/// The open jobs of this caller with one key.
pub(super) struct Keyed {
    /// Their numbers and nonces here.
    pub(super) jobs: Vec<(u64, u64)>,
    pub(super) _forwarder: Forwarder,
}

/// A task that is ended with the last job of its key.
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
