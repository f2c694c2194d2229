//! Waiting, sockets, files and programs, with the functions that `runtime.rs` names.
//!
//! Several runners link this file.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use workload::task::{
    AsyncIo, Blocking, Exec, Exited, Output, Tail, kill_group, read_head, response_buffer,
    response_limit,
};

use crate::runtime::{
    AsyncReadExt, AsyncWriteExt, Child, Command, Stream, sleep, timeout, unblock,
};

/// The runtime as the workload's tasks see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RuntimeIo;

impl AsyncIo for RuntimeIo {
    async fn wait(&self, duration: Duration) {
        sleep(duration).await;
    }

    async fn exchange(
        &self,
        server: SocketAddr,
        request: &[u8],
        capacity: usize,
    ) -> io::Result<Vec<u8>> {
        let mut stream = Stream::connect(server).await?;
        stream.write_all(request).await?;
        let mut response = response_buffer(capacity)?;
        let mut answer = stream.take(response_limit(capacity));
        answer.read_to_end(&mut response).await?;
        Ok(response)
    }

    /// Opens and reads in one hop to a blocking thread. With two, every task could hold an open
    /// file, because all files would be opened before the first is read.
    async fn read(&self, path: &Path, bytes: usize) -> io::Result<Vec<u8>> {
        let path = path.to_owned();
        unblock(move || read_head(&path, bytes)).await
    }

    async fn look(&self, tail: Tail) -> io::Result<Tail> {
        unblock(move || tail.look()).await
    }

    async fn block(&self, work: Blocking) -> Output {
        unblock(work).await
    }

    async fn exec(&self, exec: Exec) -> io::Result<Exited> {
        let mut command = Command::from(exec.command());
        command
            .stdin(exec.stdin_file()?)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let Some(limit) = exec.timeout else {
            return ended(&mut child).await;
        };
        match timeout(limit, ended(&mut child)).await {
            Ok(exited) => exited,
            Err(_) => {
                // Dropping the child would kill only the program, not what it started.
                kill_group(child.id());
                child.status().await?;
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
    Ok(Exited::from_status(child.status().await?, stdout))
}
