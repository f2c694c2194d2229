//! async-std, and `async-process` on its reactor, since its own processes are not stable.

pub(crate) use async_process::{Child, Command};
pub(crate) use async_std::io::{ReadExt as AsyncReadExt, WriteExt as AsyncWriteExt};
pub(crate) use async_std::net::TcpStream as Stream;
pub(crate) use async_std::task::{sleep, spawn_blocking as unblock};
pub(crate) use effective_async_std_tasks::timeout;
