//! A server with one task per session.

use std::io;
use std::sync::Arc;

use effective_tokio_tasks::Tasks;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use workload::serve::Service;

use crate::Mode;
use crate::io::TokioIo;

/// Serves all sessions to their end.
pub(crate) async fn serve(
    service: &Arc<Service>,
    listener: std::net::TcpListener,
    mode: Mode,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let mut sessions = Vec::with_capacity(service.sessions());
    while sessions.len() < service.sessions() {
        sessions.push(listener.accept().await?.0);
    }
    let each = |stream| {
        let service = Arc::clone(service);
        // An error of one connection does not affect the others.
        async move { drop(converse(&service, stream, mode).await) }
    };
    Tasks::new().map(sessions, each).await;
    Ok(())
}

async fn converse(service: &Service, mut stream: TcpStream, mode: Mode) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut session = service.session();
    let mut input = [0; 1024];
    while session.is_open() {
        let length = stream.read(&mut input).await?;
        if length == 0 {
            break;
        }
        session.receive(&input[..length]);
        match mode {
            Mode::Async => service.answer_async(&mut session, &TokioIo).await,
            Mode::BlockingInLoop => service.answer(&mut session),
            Mode::Offloaded => {
                let answered = service.answer_offloading(&mut session, &TokioIo, &TokioIo);
                answered.await;
            }
        }
        stream.write_all(&session.take_output()).await?;
    }
    Ok(())
}
