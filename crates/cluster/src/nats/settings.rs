//! [`Settings`]: how jobs wait on the server, and when a caller gives up.

use std::time::Duration;

use crate::error::BuildError;

/// The heartbeats in one `ack_wait`: four may be lost or late.
pub(super) const HEARTBEATS: u32 = 5;

/// The settings of a caller.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Jobs are on the server's disk, not in its memory.
    pub(crate) is_durable: bool,
    /// Jobs that the server lost are sent again.
    pub(crate) resends: bool,
    /// How long a job waits for a worker that knows it.
    pub(crate) unclaimed_after: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            is_durable: false,
            resends: true,
            unclaimed_after: Duration::from_secs(30),
        }
    }
}

/// The shortest and longest time after which a silent worker is taken for dead.
const ACK_WAIT: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(250)..=Duration::from_secs(3_600);

/// Checks the time after which a silent worker is taken for dead.
pub(super) fn check_ack_wait(ack_wait: Duration) -> Result<(), BuildError> {
    if ACK_WAIT.contains(&ack_wait) {
        Ok(())
    } else {
        Err(BuildError::Setting(format!(
            "`ack_wait` is {ack_wait:?}: set from {:?} to {:?}",
            ACK_WAIT.start(),
            ACK_WAIT.end()
        )))
    }
}
