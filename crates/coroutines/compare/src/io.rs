//! Waiting, sockets, files and programs without a runtime: by the parts that smol is put together from.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use effective_coroutines::timeout;
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::process::Child;
use smol::{Async, Timer};
use workload::task::{
    AsyncIo, Exec, Exited, Tail, kill_group, read_head, response_buffer, response_limit,
};

/// `async-io` for timers and sockets, `async-process` for programs, `blocking` for files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SmolIo;

impl AsyncIo for SmolIo {
    async fn wait(&self, duration: Duration) {
        Timer::after(duration).await;
    }

    async fn exchange(
        &self,
        server: SocketAddr,
        request: &[u8],
        capacity: usize,
    ) -> io::Result<Vec<u8>> {
        let mut stream = Async::<TcpStream>::connect(server).await?;
        stream.write_all(request).await?;
        let mut response = response_buffer(capacity)?;
        let mut answer = stream.take(response_limit(capacity));
        answer.read_to_end(&mut response).await?;
        Ok(response)
    }

    /// One hop to a blocking thread for the whole of it: opening and reading as two would let every task hold an open
    /// file, since all of the first come before any of the second.
    async fn read(&self, path: &Path, bytes: usize) -> io::Result<Vec<u8>> {
        let path = path.to_owned();
        smol::unblock(move || read_head(&path, bytes)).await
    }

    async fn look(&self, tail: Tail) -> io::Result<Tail> {
        smol::unblock(move || tail.look()).await
    }

    async fn exec(&self, exec: Exec) -> io::Result<Exited> {
        let mut command = smol::process::Command::from(exec.command());
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
                // Dropping the child would kill the program alone.
                kill_group(child.id());
                child.status().await?;
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
    Ok(Exited::from_status(child.status().await?, stdout))
}
