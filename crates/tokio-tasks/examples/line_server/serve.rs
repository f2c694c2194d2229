//! The server: accepts connections, and converses with each.

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

/// Read at a time, and so the most that is answered before the client has to take the answers.
const PIECE: usize = 1024;

/// How long a client has for taking the last word.
const LAST_WORD: Duration = Duration::from_secs(1);

/// How long to wait when the system has no descriptor to give.
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
            // Only with room for one more: the others wait in the backlog, where the system keeps what they say.
            accepted = listener.accept(), if sessions.len() < how.connections => match accepted {
                Ok((stream, _)) => {
                    let talk = converse(stream, how.idle, too_late.clone());
                    // A client that goes away ends its own session and no other.
                    sessions.spawn(async { drop(talk.await) });
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
    drop(listener);
    see_off(sessions, how.grace, &tell).await;
    Ok(())
}

/// Lets the sessions come to an end by themselves, then tells them to, then ends them.
async fn see_off(mut sessions: JoinSet<()>, grace: Duration, tell: &watch::Sender<bool>) {
    if timeout(grace, all_gone(&mut sessions)).await.is_err() {
        tell.send_replace(true);
        if timeout(LAST_WORD, all_gone(&mut sessions)).await.is_err() {
            sessions.shutdown().await;
        }
    }
}

async fn all_gone(sessions: &mut JoinSet<()>) {
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
    let mut input = [0; PIECE];
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
    // To close with something unread would reset the connection, and the client might never see the last word.
    let rest = async { while stream.read(&mut input).await.is_ok_and(|length| length > 0) {} };
    let _ = timeout(LAST_WORD, rest).await;
    Ok(())
}
