//! Checks of a contestant's answer to a sample: its digest and, where it serves, the report on its
//! requests.

use workload::protocol::Sample as Said;
use workload::serve::Report;

use super::requests::OrderAddress;
use super::runner::{Fault, short};

/// Replaces the claims of a serving contestant with the measurements of `requests`.
pub(super) fn judged_by_requests(
    said: Said,
    report: Option<Report>,
    orders_to: Option<OrderAddress>,
) -> Result<Said, Fault> {
    if orders_to.is_none() {
        return Ok(said);
    }
    match report {
        None => Err(Fault::Wrong(
            "it answered without having served any requests".to_owned(),
        )),
        Some(Report::Failed { error }) => Err(Fault::Wrong(format!(
            "it says that all went well, but its requests failed: {}",
            short(&error)
        ))),
        Some(Report::Done {
            wall_ns,
            digest,
            metrics,
        }) => {
            if said.digest != digest {
                return Err(Fault::Wrong(format!(
                    "its outputs have the digest {digest:016x} in the answers to the requests, and it reports {:016x}",
                    said.digest
                )));
            }
            let mut all = said.metrics;
            all.extend(metrics);
            Ok(Said {
                wall_ns,
                metrics: all,
                ..said
            })
        }
    }
}

/// Whether the outputs are right.
pub(super) fn check_digest(got: u64, right: u64) -> Result<(), Fault> {
    if got == right {
        return Ok(());
    }
    Err(Fault::Wrong(format!(
        "its outputs have the digest {got:016x}, the right ones {right:016x}"
    )))
}
