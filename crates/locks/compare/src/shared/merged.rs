//! Nothing is shared but the next task: each thread has outputs and a sum of its own, which are merged when it ends.

use workload::model::{Batch, Outputs};
use workload::task::Output;

use super::atomic::Claims;
use super::{in_order, places};
use crate::contained::{FirstFailure, run};
use crate::crew::Crew;

pub(crate) fn map(crew: Crew, batch: &Batch) -> Outputs {
    let claims = Claims::new();
    let parts = crew.work(batch.len(), || {
        let mut mine = Vec::new();
        while let Some(index) = claims.claim(batch) {
            mine.push((index, run(batch, index)));
        }
        mine
    });
    let mut outputs = places(batch.len());
    for (index, output) in parts.into_iter().flatten() {
        outputs[index] = Some(output);
    }
    in_order(outputs)
}

pub(crate) fn fold(crew: Crew, batch: &Batch) -> Output {
    let (claims, failure) = (Claims::new(), FirstFailure::default());
    let sums = crew.work(batch.len(), || {
        let mut mine = 0_u64;
        while let Some(index) = claims.claim(batch) {
            match run(batch, index) {
                Ok(value) => mine = mine.wrapping_add(value),
                Err(failed) => failure.note(index, failed),
            }
        }
        mine
    });
    failure.or(sums.into_iter().fold(0, u64::wrapping_add))
}
