//! A server, workers in processes of their own, and waits that fail instead of hanging.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod jobs;
pub(crate) mod link;
pub(crate) mod raw;
pub(crate) mod server;
pub(crate) mod worker;
