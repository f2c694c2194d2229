//! The messages by which a server says why a request brings no job.

use async_nats::{Message, StatusCode};

/// Why a pull brings no more jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PullEnd {
    /// The pull expired with this many jobs unfilled, or all of them if the server does not say.
    Expired(Option<usize>),
    /// The consumer is not there: it was deleted, or the server has restarted.
    Gone,
    /// A heartbeat or a note that ends nothing.
    Note,
}

/// Explains a status message. `None` for a job.
pub(super) fn pull_end(message: &Message) -> Option<PullEnd> {
    let status = message.status?;
    let pending = || {
        let value = message.headers.as_ref()?.get("Nats-Pending-Messages")?;
        value.as_str().parse().ok()
    };
    Some(match status.as_u16() {
        100 => PullEnd::Note,
        404 | 408 => PullEnd::Expired(pending()),
        409 => {
            let text = message.description.as_deref().unwrap_or_default();
            if text.to_ascii_lowercase().contains("consumer deleted") {
                PullEnd::Gone
            } else {
                PullEnd::Expired(pending())
            }
        }
        503 => PullEnd::Gone,
        _ => PullEnd::Expired(None),
    })
}

/// Whether the message says that no connection listens on the subject of a request.
pub(super) fn is_unheard(message: &Message) -> bool {
    message.status == Some(StatusCode::NO_RESPONDERS)
}
