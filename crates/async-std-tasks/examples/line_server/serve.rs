//! The server: it accepts connections and runs a session on each.

use std::io;
use std::net::Shutdown;
use std::time::Duration;

use async_std::future::timeout;
use async_std::io::{ReadExt, WriteExt};
use async_std::net::{TcpListener, TcpStream};
use async_std::task::{self, JoinHandle};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::Shared;
use futures::stream::{FuturesUnordered, StreamExt};

use crate::args::Serve;
use crate::process::when_stdin_ends;
use crate::session::Session;

/// The size of a read, and so of the input that is answered before the answers are sent.
const READ_SIZE: usize = 1024;

/// How long to wait for a client to read the last answer.
const LINGER: Duration = Duration::from_secs(1);

/// The pause after a failed `accept`, for example without a free descriptor.
const PAUSE: Duration = Duration::from_millis(10);

type Sessions = FuturesUnordered<JoinHandle<()>>;

/// Serves until standard input ends.
pub(crate) async fn serve(listener: TcpListener, how: Serve) -> io::Result<()> {
    let (end, mut ended) = oneshot::channel();
    when_stdin_ends(move || {
        let _ = end.send(());
    })?;
    let (tell, too_late) = oneshot::channel();
    let too_late = too_late.shared();
    let mut sessions = Sessions::new();

    loop {
        // Accepts only below the limit: other clients wait in the backlog, where the system
        // keeps what they send.
        let room = sessions.len() < how.connections;
        let accept = async {
            if room {
                listener.accept().await
            } else {
                std::future::pending().await
            }
        };
        futures::select! {
            _ = ended => break,
            _ = sessions.select_next_some() => {}
            accepted = accept.fuse() => match accepted {
                Ok((stream, _)) => {
                    let talk = converse(stream, how.idle, too_late.clone());
                    // A client that disconnects ends only its own session.
                    sessions.push(task::spawn(async { drop(talk.await) }));
                }
                Err(_) => task::sleep(PAUSE).await,
            }
        }
    }
    drop(listener);
    shut_down(sessions, how.grace, tell).await;
    Ok(())
}

/// Waits for the sessions to finish, then tells them to end, then ends them.
async fn shut_down(mut sessions: Sessions, grace: Duration, tell: oneshot::Sender<()>) {
    if timeout(grace, all_ended(&mut sessions)).await.is_err() {
        drop(tell);
        if timeout(LINGER, all_ended(&mut sessions)).await.is_err() {
            let cancelled = sessions.into_iter().map(JoinHandle::cancel);
            futures::future::join_all(cancelled).await;
        }
    }
}

async fn all_ended(sessions: &mut Sessions) {
    while sessions.next().await.is_some() {}
}

/// One session, from the first line to the last.
async fn converse(
    mut stream: TcpStream,
    idle: Duration,
    mut too_late: Shared<oneshot::Receiver<()>>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut session = Session::new();
    let mut input = [0; READ_SIZE];
    let mut output = Vec::new();
    while session.is_open() {
        futures::select! {
            _ = too_late => session.server_ends(&mut output),
            received = timeout(idle, stream.read(&mut input)).fuse() => match received {
                Ok(Ok(0)) => session.client_ended(&mut output),
                Ok(Ok(length)) => session.receive(&input[..length], &mut output),
                Err(_) => session.client_is_idle(idle, &mut output),
                Ok(Err(error)) => return Err(error),
            },
        }
        timeout(idle, stream.write_all(&output))
            .await
            .map_err(io::Error::other)??;
        output.clear();
    }
    stream.shutdown(Shutdown::Write)?;
    // Closing with unread input would reset the connection, and the client might never see the
    // last answer.
    let rest = async { while stream.read(&mut input).await.is_ok_and(|length| length > 0) {} };
    let _ = timeout(LINGER, rest).await;
    Ok(())
}
