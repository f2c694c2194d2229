//! A channel of log lines from the tasks that read them to the task that merges them, one side on
//! threads and the other in a coroutine.

use futures::StreamExt;
use futures::channel::mpsc::{self, UnboundedReceiver, UnboundedSender};
use workload::task::{Lines, Merge, Output};

/// A piece of a log.
#[derive(Debug)]
struct Piece {
    task: usize,
    bytes: Vec<u8>,
    ended: bool,
}

/// The sending end, used from threads or coroutines.
#[derive(Debug)]
pub(crate) struct Crossing(UnboundedSender<Piece>);

/// The receiving end.
#[derive(Debug)]
pub(crate) struct Pieces(UnboundedReceiver<Piece>);

/// Unbounded: a merge must receive from every log before it can emit a line, so a sender that
/// waited for room would block all others.
pub(crate) fn crossing() -> (Crossing, Pieces) {
    let (send, receive) = mpsc::unbounded();
    (Crossing(send), Pieces(receive))
}

impl Crossing {
    /// Ends the channel, even if other references remain.
    pub(crate) fn close(&self) {
        self.0.close_channel();
    }
}

impl Lines for Crossing {
    fn feed(&self, task: usize, bytes: &[u8], ended: bool) {
        let bytes = bytes.to_vec();
        // The receiver is gone only if it panicked, which is reported elsewhere.
        let _ = self.0.unbounded_send(Piece { task, bytes, ended });
    }
}

impl Pieces {
    /// Merges until the channel is closed.
    pub(crate) async fn merged(mut self, logs: usize) -> Output {
        let merge = Merge::new(logs);
        while let Some(Piece { task, bytes, ended }) = self.0.next().await {
            merge.feed(task, &bytes, ended);
        }
        merge.digest()
    }
}
