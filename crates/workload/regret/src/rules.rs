//! The rules of thumb that the advice has to beat.

use std::time::Duration;

use crate::by_hand::{Model, Version};
use crate::job::Real;
use crate::record::Seen;

/// The share of a task's time that makes it one that computes.
const COMPUTES: f64 = 0.5;

/// "CPU → rayon, I/O → tokio": rayon with a thread per processor for tasks that compute most of
/// their time; otherwise tokio, with its blocking pool where the job has no future.
pub fn rule_of_thumb(job: &Real, seen: &Seen, cpus: usize) -> Version {
    if seen.cpu_share() >= COMPUTES {
        Version {
            model: Model::DataParallel,
            workers: cpus,
        }
    } else if job.call_async.is_some() {
        Version {
            model: Model::Tokio,
            workers: 0,
        }
    } else {
        Version {
            model: Model::TokioBlocking,
            workers: TOKIO_BLOCKING_THREADS,
        }
    }
}

/// The limit of tokio's pool for blocking code, unless a program sets another.
const TOKIO_BLOCKING_THREADS: usize = 512;

/// The formula of pool sizes, processors × (1 + waiting ÷ computing), with a pool of threads. See
/// Goetz et al., *Java Concurrency in Practice*, section 8.2.
pub fn pool_size_formula(seen: &Seen, cpus: usize, tasks: usize) -> Version {
    let waiting = seen.wall.saturating_sub(seen.cpu).as_secs_f64();
    let computing = seen.cpu.max(Duration::from_nanos(1)).as_secs_f64();
    let size = cpus as f64 * (1.0 + waiting / computing);
    Version {
        model: Model::ThreadPool,
        workers: (size.round() as usize).clamp(1, tasks.max(1)),
    }
}
