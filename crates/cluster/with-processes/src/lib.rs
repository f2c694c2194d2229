//! The hook of a worker of `cluster` that runs each job in a `process-pool`, where a crash fails
//! only its own job.
//!
//! Both crates call jobs by name and encode values alike, so the hook passes names and bytes on.

use effective_cluster::{Call, Reason};
use effective_process_pool::{Handle, JobError, ProcessPool};

/// A job that both crates can run: one function, one name.
#[macro_export]
macro_rules! shared_job {
    ($(#[$attribute:meta])* $name:ident = $text:literal: $input:ty => $output:ty, $run:expr) => {
        $(#[$attribute])*
        pub struct $name;

        impl ::effective_cluster::Job for $name {
            const NAME: &'static str = $text;
            type Input = $input;
            type Output = $output;

            fn run(input: $input) -> $output {
                $run(input)
            }
        }

        impl ::effective_process_pool::Job for $name {
            const NAME: &'static str = $text;
            type Input = $input;
            type Output = $output;

            fn run(input: $input) -> $output {
                $run(input)
            }
        }
    };
}

/// Runs a call in the pool, and ends it there at its time limit.
///
/// # Errors
/// [`Reason::Failed`] says how the job crashed.
pub fn run_in(pool: &ProcessPool, call: &Call<'_>) -> Result<Vec<u8>, Reason> {
    let submitted = pool.submit_bytes(call.name(), call.input());
    let handle = submitted.map_err(|error| Reason::Failed(error.to_string()))?;
    let result = match call.time_limit() {
        None => handle.wait(),
        Some(limit) => handle
            .wait_timeout(limit)
            .unwrap_or_else(|late: Handle<Vec<u8>>| {
                late.kill();
                late.wait()
            }),
    };
    result.map_err(|error| match error {
        JobError::Panicked(panic) => {
            Reason::Failed(format!("the job panicked: {}", panic.message()))
        }
        JobError::Input(why) => Reason::Input(why),
        JobError::Output(why) => Reason::Output(why),
        other => Reason::Failed(other.to_string()),
    })
}
