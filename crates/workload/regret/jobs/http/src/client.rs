//! The HTTP client of a runtime, whose connections end with it.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use reqwest::Client;
use tokio::runtime::{Handle, Id};

/// The client of the runtime that this is called on; a clone shares its connections.
pub(crate) fn of_this_runtime() -> Client {
    static CLIENTS: LazyLock<Mutex<HashMap<Id, Client>>> = LazyLock::new(Mutex::default);
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    clients.entry(Handle::current().id()).or_default().clone()
}
