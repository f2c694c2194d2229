//! Lines that cross over: who finds them waits in one world, who merges them in the other.

use futures::StreamExt;
use futures::channel::mpsc::{self, UnboundedReceiver, UnboundedSender};
use workload::task::{Lines, Merge, Output};

/// More of a log.
#[derive(Debug)]
struct Piece {
    task: usize,
    bytes: Vec<u8>,
    ended: bool,
}

/// The end at which lines go in, from threads or coroutines.
#[derive(Debug)]
pub(crate) struct Crossing(UnboundedSender<Piece>);

/// The end at which they come out.
#[derive(Debug)]
pub(crate) struct Pieces(UnboundedReceiver<Piece>);

/// Without a bound: a merge has to take in every log before it can let out a line, and whoever of them waited for room
/// would keep the others waiting for its line.
pub(crate) fn crossing() -> (Crossing, Pieces) {
    let (send, receive) = mpsc::unbounded();
    (Crossing(send), Pieces(receive))
}

impl Crossing {
    /// Nothing more will come, whoever still holds it.
    pub(crate) fn close(&self) {
        self.0.close_channel();
    }
}

impl Lines for Crossing {
    fn feed(&self, task: usize, bytes: &[u8], ended: bool) {
        let bytes = bytes.to_vec();
        // Whoever merges has gone only if it panicked, and says so itself.
        let _ = self.0.unbounded_send(Piece { task, bytes, ended });
    }
}

impl Pieces {
    /// The coroutine that merges, until the crossing is closed.
    pub(crate) async fn merged(mut self, logs: usize) -> Output {
        let merge = Merge::new(logs);
        while let Some(Piece { task, bytes, ended }) = self.0.next().await {
            merge.feed(task, &bytes, ended);
        }
        merge.digest()
    }
}
