//! Waiting, sockets, files and programs with tokio.

use std::io;
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Child;
use workload::task::{
    AsyncIo, Blocking, Exec, Exited, Failure, Output, Tail, kill_group, read_head, response_buffer,
    response_limit,
};

/// Tokio as the workload's tasks see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokioIo;

impl AsyncIo for TokioIo {
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

    /// Opens and reads in one hop to the blocking pool, as `tokio::fs::read` does. With two, every
    /// task could hold an open file, because all files would be opened before the first is read.
    async fn read(&self, path: &Path, bytes: usize) -> io::Result<Vec<u8>> {
        let path = path.to_owned();
        tokio::task::spawn_blocking(move || read_head(&path, bytes))
            .await
            .map_err(io::Error::other)?
    }

    async fn look(&self, tail: Tail) -> io::Result<Tail> {
        tokio::task::spawn_blocking(move || tail.look())
            .await
            .map_err(io::Error::other)?
    }

    async fn block(&self, work: Blocking) -> Output {
        match tokio::task::spawn_blocking(work).await {
            Ok(output) => output,
            // The panic continues here, as if the task had called it here.
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            Err(error) => Err(Failure::new(error)),
        }
    }

    fn is_tokio(&self) -> bool {
        true
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
                // Dropping the child would kill only the program, not what it started.
                if let Some(id) = child.id() {
                    kill_group(id);
                }
                child.wait().await?;
                Ok(Exited::timed_out())
            }
        }
    }
}

/// Reads the output to its end, then waits for the program, as the blocking tasks do.
///
/// Waiting for both at once could reap the program while a process that it started still holds the
/// output, and another process could have its id by the time the limit ends.
async fn ended(child: &mut Child) -> io::Result<Exited> {
    let mut pipe = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut stdout = Vec::new();
    pipe.read_to_end(&mut stdout).await?;
    Ok(Exited::from_status(child.wait().await?, stdout))
}
