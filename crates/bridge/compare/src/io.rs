//! The I/O of coroutines that threads call: sockets, timers and programs by tokio, files by the
//! offload.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use effective_bridge::Offload;
use workload::task::{AsyncIo, Blocking, Exec, Exited, Failure, Output, Tail, read_head};

use crate::tokio_io::TokioIo;

/// I/O for the workload's tasks on a tokio loop.
#[derive(Debug, Clone)]
pub(crate) struct LoopIo {
    pub(crate) offload: Offload,
}

impl AsyncIo for LoopIo {
    async fn wait(&self, duration: Duration) {
        TokioIo.wait(duration).await;
    }

    async fn exchange(
        &self,
        server: SocketAddr,
        request: &[u8],
        capacity: usize,
    ) -> io::Result<Vec<u8>> {
        TokioIo.exchange(server, request, capacity).await
    }

    /// One job opens and reads the file. With a job for each, every task could hold an open file,
    /// since all files would be opened before any is read.
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

    async fn block(&self, work: Blocking) -> Output {
        let output = self.offload.run(work).await;
        output.unwrap_or_else(|error| Err(Failure::new(error)))
    }

    fn is_tokio(&self) -> bool {
        true
    }

    async fn exec(&self, exec: Exec) -> io::Result<Exited> {
        TokioIo.exec(exec).await
    }
}
