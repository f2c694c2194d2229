//! Waiting, sockets and programs by tokio, files by the offload: what a coroutine does that threads call.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use effective_bridge::Offload;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Child;
use workload::task::{
    AsyncIo, Exec, Exited, Tail, kill_group, read_head, response_buffer, response_limit,
};

/// The loop as the workload's tasks see it.
#[derive(Debug, Clone)]
pub(crate) struct LoopIo {
    pub(crate) offload: Offload,
}

impl AsyncIo for LoopIo {
    async fn wait(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    async fn exchange(
        &self,
        server: SocketAddr,
        request: &[u8],
        capacity: usize,
    ) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(server).await?;
        stream.write_all(request).await?;
        let mut response = response_buffer(capacity)?;
        let mut answer = stream.take(response_limit(capacity));
        answer.read_to_end(&mut response).await?;
        Ok(response)
    }

    /// One call for the whole of it. Opening and reading as two would also let every task hold an open file, since all of
    /// the first come before any of the second.
    async fn read(&self, path: &Path, bytes: usize) -> io::Result<Vec<u8>> {
        let path = path.to_owned();
        self.offload
            .run(move || read_head(&path, bytes))
            .await
            .map_err(io::Error::other)?
    }

    async fn look(&self, tail: Tail) -> io::Result<Tail> {
        self.offload
            .run(move || tail.look())
            .await
            .map_err(io::Error::other)?
    }

    async fn exec(&self, exec: Exec) -> io::Result<Exited> {
        let mut command = tokio::process::Command::from(exec.command());
        command
            .stdin(exec.stdin_file()?)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let Some(limit) = exec.timeout else {
            return ended(&mut child).await;
        };
        match tokio::time::timeout(limit, ended(&mut child)).await {
            Ok(exited) => exited,
            Err(_) => {
                // Dropping the child would kill the program alone.
                if let Some(id) = child.id() {
                    kill_group(id);
                }
                child.wait().await?;
                Ok(Exited::timed_out())
            }
        }
    }
}

/// Output first, end afterwards, as the blocking tasks do it. Waiting for both at once would reap the program
/// while something that it started still holds the output, and its number could be somebody else's by the time
/// the limit comes.
async fn ended(child: &mut Child) -> io::Result<Exited> {
    let mut pipe = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut stdout = Vec::new();
    pipe.read_to_end(&mut stdout).await?;
    Ok(Exited::from_status(child.wait().await?, stdout))
}
