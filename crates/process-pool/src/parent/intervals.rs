//! The intervals and time limits of the pool's own work.

use std::time::Duration;

/// The interval between attempts to send descriptors that the system refused.
pub(super) const CONGESTION: Duration = Duration::from_millis(10);

/// How often to collect results without a bell while a thread waits for them. Bells do ring; but a
/// job that overwrites shared memory could silence them.
pub(super) const SWEEP: Duration = Duration::from_millis(250);

/// How long a worker may take to exit once it has nothing left to do.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// A job that arrives this soon after a result counts as one of a series, for which the worker
/// spins.
pub(super) const SERIES: Duration = Duration::from_micros(50);
