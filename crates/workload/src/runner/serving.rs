//! A sample of the pattern `serve`: the model serves while another program sends the requests.

use std::sync::Arc;
use std::time::Duration;

use crate::batch::Batch;
use crate::model::Model;
use crate::protocol::{Sample, Sources};

use crate::serve::order::{Order, Report, listen};
use crate::serve::service::Service;
use crate::task::failure::Failure;
use crate::trace::Trace;

/// How long to wait for the report on the requests. The server has ended by then.
const PATIENCE: Duration = Duration::from_secs(60);

/// Listens, orders the requests, and serves them to the end. The caller measures the usage. With a
/// trace, each request has a span in it.
pub(super) fn once<M: Model>(
    model: &M,
    ready: &mut M::Ready,
    batch: &Arc<Batch>,
    sources: &Sources,
    trace: Option<&Arc<Trace>>,
) -> Result<Sample, Failure> {
    let requests = sources.requests.ok_or_else(|| {
        Failure::new(
            "the program that sends the requests was not named when the workload was loaded",
        )
    })?;
    let service = Service::new(Arc::clone(batch))?;
    let service = Arc::new(match trace {
        Some(trace) => service.traced(Arc::clone(trace)),
        None => service,
    });
    let listener = listen()
        .map_err(|error| Failure::new(format_args!("cannot listen on loopback: {error}")))?;
    let order = Order {
        inputs: sources.inputs.clone(),
        server: listener.local_addr().map_err(Failure::new)?,
    };
    let ordered = order.send(requests)?;
    let served = model.serve(ready, &service, listener);
    // The report of the clients says more than a failure of the server, so it comes first.
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
