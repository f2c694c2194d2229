//! The parent's side of one worker.
//!
//! | file | contents |
//! |---|---|
//! | `link.rs` | [`WorkerLink`](link::WorkerLink): the rings, and the batches sent through them |
//! | `collect.rs` | collecting finished batches |
//! | `end.rs` | time limits, kills, and the death of the worker |
//! | `head_watch.rs` | whether the batch at the head makes progress |

pub(crate) mod collect;
pub(crate) mod end;
pub(crate) mod head_watch;
pub(crate) mod link;
