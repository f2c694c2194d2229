//! [`Engine`]: whatever runs accepted jobs, in this process or elsewhere.

use std::sync::Arc;

use crate::order::Order;

/// Runs accepted jobs, and reports to the ledger.
pub(crate) trait Engine: Send + Sync {
    /// Takes over an accepted job. Does not wait.
    fn send(&self, id: u64, order: Arc<Order>);
    /// Stops work for a job that has ended without it: it was cancelled.
    fn forget(&self, id: u64);
    /// The maximum size of an encoded input, in bytes.
    fn max_input_bytes(&self) -> usize;
    /// The size of the inputs of a chunk, in bytes.
    fn max_chunk_bytes(&self) -> usize;
    /// Ends the threads of the engine. No job is open any more. `waits` for the threads, unless
    /// jobs that were given up still run on them.
    fn stop(&self, waits: bool);
}
