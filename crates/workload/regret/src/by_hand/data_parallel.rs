//! Parallel iterators in a pool of rayon's.

use std::io;

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::Run;
use crate::job::Real;

pub(super) fn prepare(job: &Real, workers: usize) -> io::Result<Run> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(workers)
        .build()
        .map_err(io::Error::other)?;
    let (count, call) = (job.tasks, job.call.clone());
    Ok(Box::new(move || {
        pool.install(|| (0..count).into_par_iter().map(|task| call(task)).collect())
    }))
}
