//! Checks of the server's shutdown.

use std::time::Duration;

use workload::line_protocol::Round;

use super::suite::{PATIENCE, Suite, rest, within_patience};
use crate::client::Client;

/// Sessions that are open at the shutdown may continue; the server ends with the last of them.
pub fn sessions_finish_within_the_grace_period(suite: &Suite) {
    let mut server = suite.server(&["--grace", "1000"]);
    let mut client = server.connect();
    client.send("PARAMS 1 1000\nNUMBER\n").expect("sent");
    client.guess().expect("a guess");
    server.server.tell_to_end();
    let address = server.server.address();
    within_patience("nobody else is accepted", || {
        let Ok(mut late) = Client::connect(address, PATIENCE) else {
            return Ok(());
        };
        // It may have connected before the server noticed the shutdown; then it is served, or
        // closed.
        late.send("PARAMS 1 1\nNUMBER\n").ok();
        late.line().map_or(Ok(()), |line| line.map_or(Ok(()), Err))
    });
    let round = Round {
        lower: 1,
        upper: 1000,
        secret: 421,
    };
    assert_eq!(client.play(round).expect("a round").last(), Some(&421));
    assert_eq!(
        server.server.ended_within(Duration::ZERO).expect("asked"),
        None
    );
    drop(client);
    let status = server.server.ended_within(PATIENCE).expect("asked");
    assert!(status.is_some_and(|status| status.success()), "{status:?}");
}

/// Also in the middle of a line.
pub fn session_beyond_the_grace_period_gets_an_error(suite: &Suite) {
    let mut server = suite.server(&["--grace", "0.2"]);
    let mut clients: Vec<Client> = (0..3).map(|_| server.connect()).collect();
    for (client, said) in clients
        .iter_mut()
        .zip(["", "\nPARAMS 0 ", "\nPARAMS 0 -1\n"])
    {
        client
            .send(format!("PARAMS 7 9\nNUMBER{said}"))
            .expect("sent");
    }
    for client in &mut clients[1..] {
        assert_eq!(client.guess().expect("a guess"), 7);
    }
    server.server.tell_to_end();
    for client in &mut clients {
        let lines = rest(client);
        assert!(
            lines.len() == 1 && lines[0].starts_with("ERROR the server is ending"),
            "{lines:?}"
        );
    }
    let status = server.server.ended_within(PATIENCE).expect("asked");
    assert!(status.is_some_and(|status| status.success()), "{status:?}");
}

/// The server waits for the client to read its answers, but not forever.
pub fn client_that_reads_nothing_cannot_block_the_exit(suite: &Suite) {
    let mut server = suite.server(&["--grace", "0.2"]);
    let mut client = server.connect();
    client
        .send(format!("PARAMS 1 {}\n", i64::MAX))
        .expect("sent");
    client
        .set_write_patience(Duration::from_millis(300))
        .expect("set");
    let piece = "NUMBER\n".repeat(10_000);
    let full = (0..1_000).any(|_| client.send(&piece).is_err());
    assert!(full, "the server took all and could answer none");
    server.server.tell_to_end();
    let status = server.server.ended_within(PATIENCE).expect("asked");
    assert!(status.is_some_and(|status| status.success()), "{status:?}");
}
