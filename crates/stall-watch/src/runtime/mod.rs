//! The watch of a whole tokio runtime, by the metrics that stable tokio has.
//!
//! | file | contents |
//! |---|---|
//! | `watch_runtime.rs` | the public methods and the guard |
//! | `hooks.rs` | the hooks that tell which thread a worker runs on |
//! | `registry.rs` | the watched runtimes and their known threads |
//! | `thread_token.rs` | a thread that may have exited |
//! | `workers.rs` | the watchdog's checks of the workers |

pub(crate) mod hooks;
pub(crate) mod registry;
pub(crate) mod thread_token;
pub(crate) mod watch_runtime;
pub(crate) mod workers;
