//! The names of all prices, in the order of the list.

pub(crate) const CALL: &str = "call";
pub(crate) const ATOMIC: &str = "fetch-add";
pub(crate) const LOCK: &str = "mutex-lock";
pub(crate) const RAYON_ITEM: &str = "rayon-item";
pub(crate) const POOL_JOB: &str = "pool-submit-wait";
pub(crate) const QUEUE_HOP: &str = "queue-hop";
pub(crate) const TOKIO_SPAWN: &str = "tokio-spawn";
pub(crate) const SPAWN_BLOCKING: &str = "spawn-blocking";
pub(crate) const OFFLOAD: &str = "offload";
pub(crate) const THREAD: &str = "thread";
pub(crate) const PROCESS_JOB: &str = "process-pool-job";
pub(crate) const CHILD: &str = "child-process";

pub(crate) const ALL: [&str; 12] = [
    CALL,
    ATOMIC,
    LOCK,
    RAYON_ITEM,
    POOL_JOB,
    QUEUE_HOP,
    TOKIO_SPAWN,
    SPAWN_BLOCKING,
    OFFLOAD,
    THREAD,
    PROCESS_JOB,
    CHILD,
];
