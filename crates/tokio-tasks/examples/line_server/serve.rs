//! The server: it accepts connections and runs a session on each.

use std::io;
use std::time::Duration;

use effective_tokio_tasks::timeout;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use crate::args::Serve;
use crate::process::when_stdin_ends;
use crate::session::Session;

/// The size of a read, and so of the input that is answered before the answers are sent.
const READ_SIZE: usize = 1024;

/// How long to wait for a client to read the last answer.
const LINGER: Duration = Duration::from_secs(1);

/// The pause after a failed `accept`, for example without a free descriptor.
const PAUSE: Duration = Duration::from_millis(10);

/// Serves until standard input ends.
pub(crate) async fn serve(listener: TcpListener, how: Serve) -> io::Result<()> {
    let (end, mut ended) = oneshot::channel();
    when_stdin_ends(move || {
        let _ = end.send(());
    })?;
    let (tell, too_late) = watch::channel(false);
    let mut sessions = JoinSet::new();

    loop {
        tokio::select! {
            _ = &mut ended => break,
            Some(_) = sessions.join_next() => {}
            // Accepts only below the limit: other clients wait in the backlog, where the system
            // keeps what they send.
            accepted = listener.accept(), if sessions.len() < how.connections => match accepted {
                Ok((stream, _)) => {
                    let talk = converse(stream, how.idle, too_late.clone());
                    // A client that disconnects ends only its own session.
                    sessions.spawn(async { drop(talk.await) });
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
    drop(listener);
    shut_down(sessions, how.grace, &tell).await;
    Ok(())
}

/// Waits for the sessions to finish, then tells them to end, then ends them.
async fn shut_down(mut sessions: JoinSet<()>, grace: Duration, tell: &watch::Sender<bool>) {
    if timeout(grace, all_ended(&mut sessions)).await.is_err() {
        tell.send_replace(true);
        if timeout(LINGER, all_ended(&mut sessions)).await.is_err() {
            sessions.shutdown().await;
        }
    }
}

async fn all_ended(sessions: &mut JoinSet<()>) {
    while sessions.join_next().await.is_some() {}
}

/// One session, from the first line to the last.
async fn converse(
    mut stream: TcpStream,
    idle: Duration,
    mut too_late: watch::Receiver<bool>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut session = Session::new();
    let mut input = [0; READ_SIZE];
    let mut output = Vec::new();
    while session.is_open() {
        tokio::select! {
            _ = too_late.wait_for(|is| *is) => session.server_ends(&mut output),
            received = timeout(idle, stream.read(&mut input)) => match received {
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
    stream.shutdown().await?;
    // Closing with unread input would reset the connection, and the client might never see the
    // last answer.
    let rest = async { while stream.read(&mut input).await.is_ok_and(|length| length > 0) {} };
    let _ = timeout(LINGER, rest).await;
    Ok(())
}
