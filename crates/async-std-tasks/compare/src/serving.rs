//! A server with one task per session.

use std::io;
use std::sync::Arc;

use async_std::io::prelude::{ReadExt, WriteExt};
use async_std::net::{TcpListener, TcpStream};
use effective_async_std_tasks::Tasks;
use workload::serve::Service;

use crate::io::RuntimeIo;

/// Serves all sessions to their end.
pub(crate) async fn serve(
    service: &Arc<Service>,
    listener: std::net::TcpListener,
    blocking: bool,
) -> io::Result<()> {
    let listener = TcpListener::from(listener);
    let mut sessions = Vec::with_capacity(service.sessions());
    while sessions.len() < service.sessions() {
        sessions.push(listener.accept().await?.0);
    }
    let each = |stream| {
        let service = Arc::clone(service);
        // An error of one connection does not affect the others.
        async move { drop(converse(&service, stream, blocking).await) }
    };
    Tasks::new().map(sessions, each).await;
    Ok(())
}

async fn converse(service: &Service, mut stream: TcpStream, blocking: bool) -> io::Result<()> {
    stream.set_nodelay(true)?;
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
