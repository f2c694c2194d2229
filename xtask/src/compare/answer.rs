//! The verification of a contestant's answer to a sample: the right digest, and the load's own report where
//! it serves.

use workload::protocol::Sample as Said;
use workload::serve::Report;

use super::load::Door;
use super::runner::{Fault, short};

/// Replaces what a serving contestant says by what the load measured.
pub(super) fn judged_by_the_load(
    said: Said,
    report: Option<Report>,
    door: Option<Door>,
) -> Result<Said, Fault> {
    if door.is_none() {
        return Ok(said);
    }
    match report {
        None => Err(Fault::Wrong(
            "it answered without having served a load".to_owned(),
        )),
        Some(Report::Failed { error }) => Err(Fault::Wrong(format!(
            "it says that all went well, but its load failed: {}",
            short(&error)
        ))),
        Some(Report::Done {
            wall_ns,
            digest,
            metrics,
        }) => {
            if said.digest != digest {
                return Err(Fault::Wrong(format!(
                    "its outputs have the digest {digest:016x} as the load saw them, and it reports {:016x}",
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
