//! A sample of the pattern `serve`: the model serves while a load is made elsewhere.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{Batch, Model};
use crate::protocol::{Place, Sample};
use crate::serve::{self, Order, Report, Service};
use crate::task::Failure;

/// How long the load may take to say what it saw: the server has ended by then.
const PATIENCE: Duration = Duration::from_secs(60);

/// Listens, orders the load, serves it to its end. The usage is left to the caller.
pub(super) fn once<M: Model>(
    model: &M,
    ready: &mut M::Ready,
    batch: &Arc<Batch>,
    place: &Place,
) -> Result<Sample, Failure> {
    let load = place.load.ok_or_else(|| {
        Failure::new("requests are to be served, but nobody was named who makes them")
    })?;
    let service = Arc::new(Service::new(Arc::clone(batch))?);
    let listener = serve::listen()
        .map_err(|error| Failure::new(format_args!("cannot listen on loopback: {error}")))?;
    let order = Order {
        inputs: place.inputs.clone(),
        server: listener.local_addr().map_err(Failure::new)?,
    };
    let ordered = order.send(load)?;
    let served = model.serve(ready, &service, listener);
    // What the clients saw says more than what the server made of it.
    match ordered.report(PATIENCE)? {
        Report::Failed { error } => Err(Failure::new(error)),
        Report::Done {
            wall_ns,
            digest,
            metrics,
        } => {
            served?;
            Ok(Sample {
                digest,
                wall_ns,
                usage: None,
                metrics,
            })
        }
    }
}
