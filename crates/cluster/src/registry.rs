//! [`Jobs`]: the jobs that a program can run by name.

use std::collections::BTreeSet;
use std::fmt;

use crate::codec::{decode, encode, not_decoded, not_encoded};
use crate::job::Job;
use crate::panic::catch;
use crate::reason::Reason;

/// A job that can be called by name. Created by [`register!`](crate::register!).
#[derive(Clone, Copy)]
pub struct Registered {
    pub(crate) name: &'static str,
    call: fn(&[u8]) -> Result<Vec<u8>, Reason>,
}

impl Registered {
    /// The entry of a job.
    pub const fn of<J: Job>() -> Self {
        Self {
            name: J::NAME,
            call: call::<J>,
        }
    }

    /// Decodes the input, runs the job and encodes the output. Catches any panic in these steps.
    pub(crate) fn call(&self, input: &[u8]) -> Result<Vec<u8>, Reason> {
        catch(|| (self.call)(input)).unwrap_or_else(|panic| Err(Reason::Panicked(panic)))
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Registered").field(&self.name).finish()
    }
}

fn call<J: Job>(input: &[u8]) -> Result<Vec<u8>, Reason> {
    let input = decode::<J::Input>(input).map_err(|why| Reason::Input(not_decoded(&why)))?;
    let value = J::run(input);
    let mut output = Vec::new();
    encode(&value, &mut output).map_err(|why| Reason::Output(not_encoded(&why)))?;
    Ok(output)
}

/// The jobs that a worker runs. Created by [`register!`](crate::register!); cheap to clone.
#[derive(Clone, Copy, Debug)]
pub struct Jobs {
    entries: &'static [Registered],
}

impl Jobs {
    /// Called by [`register!`](crate::register!).
    ///
    /// # Panics
    /// If two jobs have the same name.
    #[doc(hidden)]
    pub fn new(entries: &'static [Registered]) -> Self {
        let mut names = BTreeSet::new();
        for job in entries {
            assert!(
                names.insert(job.name),
                "two registered jobs have the name {}: give one of them another name in `impl Job`",
                job.name
            );
        }
        Self { entries }
    }

    /// The names of the jobs, in registration order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.entries.iter().map(|job| job.name)
    }

    #[cfg(feature = "nats")]
    pub(crate) fn entries(&self) -> &'static [Registered] {
        self.entries
    }

    pub(crate) fn find(&self, name: &str) -> Option<Registered> {
        self.entries.iter().find(|job| job.name == name).copied()
    }
}

/// Lists the jobs that a worker runs, or a local cluster knows.
///
/// ```
/// use effective_cluster::{job, register};
///
/// job! {
///     fn double(number: u32) -> u32 { 2 * number }
///     fn halve(number: u32) -> u32 { number / 2 }
/// }
///
/// let jobs = register![double, halve];
/// assert!(jobs.names().all(|name| name.ends_with("::double") || name.ends_with("::halve")));
/// assert_eq!(jobs.names().count(), 2);
/// ```
///
/// # Panics
/// If two jobs have the same name.
#[macro_export]
macro_rules! register {
    ($($job:ty),* $(,)?) => {{
        static JOBS: &[$crate::Registered] = &[$($crate::Registered::of::<$job>()),*];
        $crate::Jobs::new(JOBS)
    }};
}
