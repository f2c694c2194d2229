//! The server: accepts connections, and converses with each.

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

/// Read at a time, and so the most that is answered before the client has to take the answers.
const PIECE: usize = 1024;

/// How long a client has for taking the last word.
const LAST_WORD: Duration = Duration::from_secs(1);

/// How long to wait when the system has no descriptor to give.
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
        // Only with room for one more: the others wait in the backlog, where the system keeps what they say.
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
                    // A client that goes away ends its own session and no other.
                    sessions.push(task::spawn(async { drop(talk.await) }));
                }
                Err(_) => task::sleep(PAUSE).await,
            }
        }
    }
    drop(listener);
    see_off(sessions, how.grace, tell).await;
    Ok(())
}

/// Lets the sessions come to an end by themselves, then tells them to, then ends them.
async fn see_off(mut sessions: Sessions, grace: Duration, tell: oneshot::Sender<()>) {
    if timeout(grace, all_gone(&mut sessions)).await.is_err() {
        drop(tell);
        if timeout(LAST_WORD, all_gone(&mut sessions)).await.is_err() {
            let cancelled = sessions.into_iter().map(JoinHandle::cancel);
            futures::future::join_all(cancelled).await;
        }
    }
}

async fn all_gone(sessions: &mut Sessions) {
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
    let mut input = [0; PIECE];
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
    // To close with something unread would reset the connection, and the client might never see the last word.
    let rest = async { while stream.read(&mut input).await.is_ok_and(|length| length > 0) {} };
    let _ = timeout(LAST_WORD, rest).await;
    Ok(())
}
