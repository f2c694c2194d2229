//! Checks with many clients.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use workload::line_protocol::{Player, Round};

use super::suite::{PATIENCE, Suite, is_timeout};
use crate::build::{Kind, build};
use crate::client::Client;

/// Several rounds each, on more threads than processors.
pub fn many_clients_play_at_once(suite: &Suite) {
    let server = suite.server(&[]);
    thread::scope(|scope| {
        for number in 0..64 {
            let server = &server;
            scope.spawn(move || {
                let mut client = server.connect();
                for secret in 0..5 {
                    let round = Round {
                        lower: -number,
                        upper: 1_000,
                        secret: secret * number,
                    };
                    let guesses = client.play(round).expect("a round");
                    assert_eq!(guesses.last(), Some(&round.secret));
                }
            });
        }
    });
    server.is_as_before();
}

/// As many connections as the suite requires are open at once, from a separate process.
pub fn idle_connections_stay_open_and_play(suite: &Suite) {
    let server = suite.server(&[]);
    let program = build(
        "workload-line-server",
        Kind::Bin,
        "idle_clients",
        suite.folder.as_ref(),
    );
    let mut crowd = Command::new(program.expect("the client is built"))
        .args([server.server.address().to_string(), suite.open.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map(Ended)
        .expect("the client starts");
    let mut go = crowd.0.stdin.take().expect("piped");
    let mut lines = BufReader::new(crowd.0.stdout.take().expect("piped")).lines();
    let mut next = || lines.next().expect("a line, not the end").expect("a line");

    assert_eq!(next(), format!("open {}", suite.open));
    if let (Some(before), Some(now)) = (server.descriptors, server.server.descriptors()) {
        assert!(
            now >= before + suite.open,
            "{now} descriptors with all open, {before} before"
        );
    }
    if let (Some(before), Some(now)) = (server.threads, server.server.threads()) {
        let most = before + if suite.thread_each { suite.open } else { 8 };
        assert!(now <= most, "{now} threads with all open, {before} before");
    }
    writeln!(go, "play").expect("the client listens");
    assert_eq!(next(), format!("played {}", suite.open));
    drop(go);
    assert!(crowd.0.wait().expect("waited").success());
    server.is_as_before();
}

/// The client's process, killed when the check ends.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Far more connections than std's backlog of 128 wait for a permit. Each is served in its turn,
/// and gets no answer before.
pub fn connections_beyond_the_limit_wait(suite: &Suite) {
    const SEATS: usize = 8;
    const WAITING: usize = 600;
    let server = suite.server(&["--connections", &SEATS.to_string()]);
    let round = Round {
        lower: 1,
        upper: 100,
        secret: 42,
    };
    let begin = || {
        let mut client = server.connect();
        client
            .send(format!("{}NUMBER\n", round.params()))
            .expect("sent");
        client
    };
    let mut seated: Vec<Client> = (0..SEATS).map(|_| begin()).collect();
    for client in &mut seated {
        client.guess().expect("a guess: there is a seat");
    }
    let mut waiting: Vec<Client> = (0..WAITING).map(|_| begin()).collect();
    for client in [0, 1, WAITING / 2, WAITING - 1] {
        let client = &mut waiting[client];
        client
            .set_patience(Duration::from_millis(100))
            .expect("set");
        let early = client.line().expect_err("answered without a seat");
        assert!(is_timeout(&early), "{early}");
        client.set_patience(PATIENCE).expect("set");
    }
    if let (Some(before), Some(now)) = (server.threads, server.server.threads()) {
        assert!(now <= before + SEATS, "{now} threads, {before} before");
    }
    for client in &mut seated {
        client.send("NUMBER\n").expect("sent");
        client
            .guess()
            .expect("those with a seat are served all the time");
    }
    drop(seated);
    for (number, mut client) in waiting.into_iter().enumerate() {
        let mut player = Player::new(round);
        loop {
            let guess = client.guess();
            let guess = guess.unwrap_or_else(|error| panic!("{number} was lost: {error}"));
            let report = player.judge(guess);
            if report == "Correct" {
                break;
            }
            client
                .send(format!("REPORT {report}\nNUMBER\n"))
                .expect("sent");
        }
    }
    server.is_as_before();
}
