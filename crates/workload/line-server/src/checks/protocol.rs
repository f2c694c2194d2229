//! Checks of the protocol with well-behaved clients.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use workload::line_protocol::Round;

use super::suite::{Suite, rest};

/// The dialogue of the book's own client: two rounds on one connection, each report before the next
/// `NUMBER`.
pub fn round_is_played_as_in_the_book(suite: &Suite) {
    let server = suite.server(&[]);
    let mut client = server.connect();
    for (lower, upper, secret) in [(1, 5, 3), (10, 15, 12)] {
        let round = Round {
            lower,
            upper,
            secret,
        };
        let guesses = client.play(round).expect("a round");
        let distinct: BTreeSet<_> = guesses.iter().collect();
        assert_eq!(distinct.len(), guesses.len(), "{round}: {guesses:?}");
        assert!(guesses.iter().all(|guess| (lower..=upper).contains(guess)));
        assert_eq!(guesses.last(), Some(&secret));
    }
    drop(client);
    server.is_as_before();
}

/// Without reports, and with untrue ones; then the secret, as often as it is requested.
pub fn guesses_never_repeat_and_the_secret_stays(suite: &Suite) {
    let server = suite.server(&[]);
    let mut client = server.connect();
    for reports in [
        &[][..],
        &["Unsure"],
        &["Colder"],
        &["Warmer"],
        &["Warmer", "Colder", "Colder"],
    ] {
        client.send("PARAMS -50 49\n").expect("sent");
        let mut guesses = BTreeSet::new();
        for turn in 0..100 {
            client.send("NUMBER\n").expect("sent");
            let guess = client.guess().expect("a guess");
            assert!(
                (-50..=49).contains(&guess) && guesses.insert(guess),
                "{guess} after {guesses:?}"
            );
            if let Some(report) = reports.get(turn % reports.len().max(1)) {
                client.send(format!("REPORT {report}\n")).expect("sent");
            }
        }
        client.send("PARAMS 0 -1\n").expect("sent");
    }
    client
        .send("PARAMS 0 9\nNUMBER\nREPORT Unsure\nNUMBER\nREPORT Correct\n")
        .expect("sent");
    let (first, secret) = (
        client.guess().expect("a guess"),
        client.guess().expect("a guess"),
    );
    assert_ne!(first, secret);
    for _ in 0..3 {
        client.send("NUMBER\n").expect("sent");
        assert_eq!(client.guess().expect("the secret"), secret);
    }
    // There are no more numbers than that.
    let lines = server.answers("PARAMS 1 2\nNUMBER\nNUMBER\nNUMBER\nNUMBER\n");
    assert!(
        lines.len() == 3 && lines[2].starts_with("ERROR "),
        "{lines:?}"
    );
    drop(client);
    server.is_as_before();
}

/// Completed and abandoned rounds, with numbers up to the limits.
pub fn rounds_follow_each_other_on_one_connection(suite: &Suite) {
    let server = suite.server(&[]);
    let mut client = server.connect();
    for number in 0..50_i64 {
        let round = Round {
            lower: -number,
            upper: number,
            secret: number / 2,
        };
        assert_eq!(
            client.play(round).expect("a round").last(),
            Some(&(number / 2))
        );
    }
    for secret in [i64::MIN, -1, 4711, i64::MAX] {
        let round = Round {
            lower: i64::MIN,
            upper: i64::MAX,
            secret,
        };
        let guesses = client.play(round).expect("a round");
        assert!(guesses.len() < 200, "{} guesses", guesses.len());
    }
    // A new `PARAMS` ends the current round; ending no round does no harm.
    client
        .send("PARAMS 0 -1\nPARAMS 1 9\nNUMBER\nPARAMS 5 5\nNUMBER\nPARAMS 0 -1\nPARAMS 0 -1\n")
        .expect("sent");
    client.end_writing().expect("half-closed");
    let lines = rest(&mut client);
    assert!(lines.len() == 2 && lines[1] == "5", "{lines:?}");
    drop(client);
    server.is_as_before();
}

/// All kinds of malformed lines.
pub fn malformed_line_gets_one_error_and_a_close(suite: &Suite) {
    let server = suite.server(&[]);
    let long = [b'N'; 100_000];
    let cases: &[&[u8]] = &[
        b"HELLO\n",
        b"\n",
        b"number\n",
        b"NUMBER \n",
        b"NUMBER\n",
        b"REPORT Unsure\n",
        b"PARAMS\n",
        b"PARAMS 1\n",
        b"PARAMS 1 2 3\n",
        b"PARAMS 1  2\n",
        b"PARAMS one two\n",
        b"PARAMS 1 9223372036854775808\n",
        b"PARAMS 2 1\n",
        b"PARAMS 1 5\nREPORT Unsure\n",
        b"PARAMS 1 5\nPARAMS 0 -1\nNUMBER\n",
        b"PARAMS 1 5\nPARAMS 0 -1\nREPORT Unsure\n",
        b"REPORT Hot\n",
        b"REPORT\n",
        b"\xff\xfe\n",
        b"PARAMS 1 \xc3\n",
        b"\0\n",
        &long,
    ];
    for case in cases {
        let shown = String::from_utf8_lossy(&case[..case.len().min(40)]);
        let mut client = server.connect();
        client.send(case).expect("sent");
        // Not half-closed: the server ends the connection.
        let lines = rest(&mut client);
        assert_eq!(lines.len(), 1, "{shown:?}: {lines:?}");
        let error = lines[0].strip_prefix("ERROR ");
        assert!(
            error.is_some_and(|error| error.contains(": ")),
            "{shown:?}: {lines:?}"
        );
    }
    // Lines before it are answered, lines after it are not.
    let lines = server.answers("PARAMS 7 9\nNUMBER\nNONSENSE\nNUMBER\n");
    assert!(
        lines.len() == 2 && lines[0] == "7" && lines[1].starts_with("ERROR "),
        "{lines:?}"
    );
    server.is_as_before();
}

/// A server that closes with unread input resets the connection: a client that still sends gets an
/// error, and on some systems never sees the answer.
pub fn error_arrives_while_the_client_still_sends(suite: &Suite) {
    const TURNS: usize = 20;
    let server = suite.server(&[]);
    let more = b"NUMBER\n".repeat(2_000);
    let mut undisturbed = 0;
    for _ in 0..TURNS {
        let mut client = server.connect();
        client
            .send([&b"NONSENSE\n"[..], &more].concat())
            .expect("sent");
        thread::sleep(Duration::from_millis(10));
        let sent = client.send(&more).is_ok();
        thread::sleep(Duration::from_millis(5));
        undisturbed += usize::from(sent && client.send(&more).is_ok());
        let lines = rest(&mut client);
        assert!(
            lines.len() == 1 && lines[0].starts_with("ERROR "),
            "{lines:?}"
        );
    }
    // Not all: the server waits for at most a second, which can pass on a busy machine.
    assert!(
        undisturbed > TURNS / 2,
        "reset while they sent: all but {undisturbed} of {TURNS}"
    );
    server.is_as_before();
}

/// One byte at a time, several lines at once, lines split anywhere, and other line ends.
pub fn lines_may_be_split_anywhere(suite: &Suite) {
    let server = suite.server(&[]);
    let dialogue =
        b"PARAMS 1 1000\nNUMBER\nREPORT Unsure\nNUMBER\nREPORT Warmer\nNUMBER\nPARAMS 0 -1\n";
    let whole = server.answers(dialogue);
    assert_eq!(whole.len(), 3, "{whole:?}");
    for size in [1, 2, 7, 30] {
        let mut client = server.connect();
        for piece in dialogue.chunks(size) {
            client.send(piece).expect("sent");
            if size < 7 {
                thread::sleep(Duration::from_micros(200));
            }
        }
        client.end_writing().expect("half-closed");
        assert_eq!(rest(&mut client), whole, "in pieces of {size}");
    }
    let text = String::from_utf8_lossy(dialogue).replace('\n', "\r\n");
    assert_eq!(server.answers(text), whole, "with carriage returns");
    // Thousands at once: more than any buffer of the server holds.
    let many = [
        "PARAMS 1 5000\n",
        &"NUMBER\n".repeat(5_000),
        "PARAMS 0 -1\n",
    ]
    .concat();
    let guesses: BTreeSet<i64> = server
        .answers(many)
        .iter()
        .filter_map(|line| line.parse().ok())
        .collect();
    assert_eq!(guesses, (1..=5_000).collect());
    server.is_as_before();
}

/// A client that shuts down its side gets all answers.
pub fn half_closed_connection_is_answered_then_closed(suite: &Suite) {
    let server = suite.server(&[]);
    assert_eq!(server.answers(""), [""; 0]);
    assert_eq!(
        server.answers("PARAMS 7 9\nNUMBER\nREPORT Correct\nNUMBER\n"),
        ["7", "7"]
    );
    assert_eq!(server.answers("PARAMS 1 5\n"), [""; 0]);
    let lines = server.answers("PARAMS 7 9\nNUMBER\nNUMB");
    assert!(
        lines.len() == 2 && lines[1].starts_with("ERROR "),
        "half a line: {lines:?}"
    );
    let lines = server.answers("PARAMS 7 9\nNUMBER");
    assert!(
        lines.len() == 1 && lines[0].starts_with("ERROR "),
        "no newline: {lines:?}"
    );
    server.is_as_before();
}
