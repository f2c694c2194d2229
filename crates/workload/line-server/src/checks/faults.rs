//! Checks with misbehaving clients.

use std::collections::HashSet;
use std::io::Write;
use std::thread;
use std::time::Duration;

use workload::line_protocol::Round;

use super::suite::{PATIENCE, Suite, is_timeout, rest, within_patience};
use crate::client::Client;

/// While one client sends a byte now and then, others are served.
pub fn slow_client_delays_no_other(suite: &Suite) {
    let server = suite.server(&[]);
    thread::scope(|scope| {
        let slow = scope.spawn(|| {
            let mut client = server.connect();
            for byte in "PARAMS 7 9\nNUMBER\nREPORT Correct\n".bytes() {
                client.send([byte]).expect("sent");
                thread::sleep(Duration::from_millis(20));
            }
            client.guess().expect("a guess")
        });
        let mut rounds = 0;
        while !slow.is_finished() {
            let mut client = server.connect();
            let round = Round {
                lower: 1,
                upper: 100,
                secret: 42,
            };
            client.play(round).expect("a round");
            rounds += 1;
        }
        assert_eq!(slow.join().expect("no panic"), 7);
        assert!(rounds > 0, "nobody was served meanwhile");
    });
    server.is_as_before();
}

/// Before the first byte, in the middle of a line, and between two lines.
pub fn silent_client_gets_one_error_and_a_close(suite: &Suite) {
    let server = suite.server(&["--idle", "1"]);
    let silent = [("", 0), ("PARAMS 1", 0), ("PARAMS 1 5\nNUMBER\n", 1)];
    let clients = silent.map(|(said, answers)| {
        let mut client = server.connect();
        client.send(said).expect("sent");
        (client, said, answers)
    });
    for (mut client, said, answers) in clients {
        let lines = rest(&mut client);
        assert_eq!(lines.len(), answers + 1, "{said:?}: {lines:?}");
        assert!(
            lines[answers].starts_with("ERROR nothing came for 1 s"),
            "{lines:?}"
        );
    }
    server.is_as_before();
}

/// The server must neither buffer the answers nor drop any.
pub fn client_that_reads_nothing_delays_no_other(suite: &Suite) {
    const ASK: &[u8] = b"NUMBER\n";
    /// Far more than the buffers of both sockets.
    const MOST: usize = 64 << 20;
    let server = suite.server(&[]);
    let before = server.server.memory();
    let mut client = server.connect();
    client
        .send(format!("PARAMS 1 {}\n", i64::MAX))
        .expect("sent");
    client
        .set_write_patience(Duration::from_millis(500))
        .expect("set");
    let mut writer = client.writer().expect("a second handle");
    let many = ASK.repeat(10_000);
    let mut sent = 0;
    let full = loop {
        match writer.write(&many[sent % ASK.len()..]) {
            Ok(length) => sent += length,
            Err(error) => break error,
        }
        assert!(sent < MOST, "the server took all and could answer none");
    };
    assert!(is_timeout(&full), "{full}");

    let round = Round {
        lower: 1,
        upper: 100,
        secret: 42,
    };
    let mut other = server.connect();
    other.play(round).expect("a round of another client");
    drop(other);
    if let (Some(before), Some(now)) = (before, server.server.memory()) {
        assert!(
            now < before + (16 << 20),
            "memory grew from {before} to {now}"
        );
    }
    let mut guesses = HashSet::new();
    for _ in 0..sent / ASK.len() {
        let guess = client.guess().expect("a guess");
        assert!(guesses.insert(guess), "{guess} came twice");
    }
    // The rest of a truncated line, or a whole one; then one whose answer marks the position.
    client.send(&ASK[sent % ASK.len()..]).expect("sent");
    client.send("PARAMS 5 5\nNUMBER\n").expect("sent");
    client.guess().expect("a guess");
    assert_eq!(client.guess().expect("a guess"), 5);
    drop((client, writer));
    server.is_as_before();
}

/// Reset in the middle of a round, in the middle of a line, at once, and with answers in flight.
pub fn vanished_clients_leak_nothing(suite: &Suite) {
    let server = suite.server(&[]);
    let mut bystander = server.connect();
    bystander.send("PARAMS 1 100\nNUMBER\n").expect("sent");
    bystander.guess().expect("a guess");
    for turn in 0..200 {
        let mut client = server.connect();
        match turn % 5 {
            0 => {}
            1 => client.send("PARAMS 1 5\nNUM").expect("sent"),
            2 => client
                .send("PARAMS 1 9000\n".to_owned() + &"NUMBER\n".repeat(2_000))
                .expect("sent"),
            3 => {
                client.send("PARAMS 1 5\nNUMBER\n").expect("sent");
                client.guess().expect("a guess");
            }
            _ => {
                client.send("NONSENSE\n").expect("sent");
                rest(&mut client);
            }
        }
        #[cfg(unix)]
        client.vanish().expect("reset");
    }
    bystander.send("NUMBER\n").expect("sent");
    bystander.guess().expect("a guess: its session goes on");
    drop(bystander);
    within_patience("a new client", || {
        Client::connect(server.server.address(), PATIENCE)
    });
    server.is_as_before();
}
