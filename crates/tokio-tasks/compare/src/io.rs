//! Waiting, sockets, files and programs by tokio's own means.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use workload::task::{AsyncIo, Exec, Exited, kill_group};

/// Tokio as the workload's tasks see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokioIo;

impl AsyncIo for TokioIo {
    async fn wait(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    async fn exchange(&self, server: SocketAddr, request: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(server).await?;
        stream.write_all(request).await?;
        let mut response = Vec::new();
        stream.read_to_end(&mut response).await?;
        Ok(response)
    }

    async fn read(&self, path: &Path, bytes: usize) -> io::Result<Vec<u8>> {
        let mut data = vec![0; bytes];
        tokio::fs::File::open(path)
            .await?
            .read_exact(&mut data)
            .await?;
        Ok(data)
    }

    async fn exec(&self, exec: Exec) -> io::Result<Exited> {
        let mut command = tokio::process::Command::from(exec.command());
        command
            .stdin(exec.stdin_file()?)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let child = command.spawn()?;
        let id = child.id();
        let mut output = pin!(child.wait_with_output());
        let output = match exec.timeout {
            Some(limit) => match tokio::time::timeout(limit, output.as_mut()).await {
                Ok(output) => output?,
                Err(_) => {
                    // Dropping the future would kill the program alone.
                    if let Some(id) = id {
                        kill_group(id);
                    }
                    return Ok(Exited::timed_out());
                }
            },
            None => output.await?,
        };
        Ok(Exited::from_status(output.status, output.stdout))
    }
}
