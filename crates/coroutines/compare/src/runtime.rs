//! The crates that smol consists of: the tasks need no runtime.

pub(crate) use effective_coroutines::timeout;
pub(crate) use smol::io::{AsyncReadExt, AsyncWriteExt};
pub(crate) use smol::process::{Child, Command};
pub(crate) use smol::unblock;

pub(crate) type Stream = smol::Async<std::net::TcpStream>;

pub(crate) async fn sleep(duration: std::time::Duration) {
    smol::Timer::after(duration).await;
}
