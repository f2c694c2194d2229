//! A server with one coroutine per session, all on one thread.

use std::io;

use effective_coroutines::Tasks;
use smol::Async;
use smol::io::{AsyncReadExt, AsyncWriteExt};
use workload::serve::Service;

use crate::io::RuntimeIo;

/// Serves all sessions to their end.
pub(crate) async fn serve(
    service: &Service,
    listener: std::net::TcpListener,
    blocking: bool,
) -> io::Result<()> {
    let listener = Async::new(listener)?;
    let mut sessions = Vec::with_capacity(service.sessions());
    while sessions.len() < service.sessions() {
        sessions.push(listener.accept().await?.0);
    }
    // An error of one connection does not affect the others. The futures borrow the service, since
    // nothing is spawned.
    Tasks::new()
        .map(sessions, async |stream| {
            drop(converse(service, stream, blocking).await);
        })
        .await;
    Ok(())
}

async fn converse(
    service: &Service,
    mut stream: Async<std::net::TcpStream>,
    blocking: bool,
) -> io::Result<()> {
    stream.get_ref().set_nodelay(true)?;
    let mut session = service.session();
    let mut input = [0; 1024];
    while session.is_open() {
        let length = stream.read(&mut input).await?;
        if length == 0 {
            break;
        }
        session.receive(&input[..length]);
        if blocking {
            service.answer(&mut session);
        } else {
            service.answer_async(&mut session, &RuntimeIo).await;
        }
        stream.write_all(&session.take_output()).await?;
    }
    Ok(())
}
