//! Credentials, TLS and permissions, enforced by the server.

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use effective_cluster::{BuildError, Cluster, Connection, worker};

use crate::support::jobs::{ACK_WAIT, double, echo, jobs};
use crate::support::raw::Raw;
use crate::support::server::Server;

const SECRET: &str = "s3cr3t-of-the-test";
/// The example of the server's documentation.
const SEED: &str = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
const PUBLIC_KEY: &str = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";

/// Runs a job with these connections of a caller and a worker.
fn works(caller: &Connection, runner: &Connection) {
    let cluster = Cluster::connect(caller.clone()).unwrap();
    let worker = worker(&jobs())
        .server(runner.clone())
        .slots(1)
        .ack_wait(ACK_WAIT);
    let _worker = worker.start().unwrap();
    assert_eq!(cluster.submit::<double>(21).unwrap().wait().unwrap(), 42);
}

#[track_caller]
fn is_refused(connection: &Connection) {
    let error = Cluster::connect(connection.clone()).unwrap_err();
    let texts = [
        format!("{error}"),
        format!("{error:?}"),
        format!("{connection:?}"),
    ];
    for text in texts {
        assert!(
            !text.contains("s3cr3t") && !text.contains("wrong"),
            "{text}"
        );
    }
    assert!(matches!(error, BuildError::Connect(_)), "{error}");
}

#[test]
fn token_opens_the_server() {
    let lines = format!("authorization {{ token: \"{SECRET}\" }}");
    let Some(server) = Server::with_config(&lines) else {
        return;
    };
    let by_url = Connection::new(format!("nats://{SECRET}@127.0.0.1:{}", server.port));
    let by_builder = Connection::new(server.url()).token(SECRET);
    works(&by_url, &by_builder);
    is_refused(&Connection::new(server.url()).token("wrong"));
    is_refused(&Connection::new(format!(
        "nats://wrong@127.0.0.1:{}",
        server.port
    )));
    is_refused(&Connection::new(server.url()));
}

#[test]
fn user_and_password_open_the_server() {
    let lines = format!("authorization {{ user: anna, password: \"{SECRET}\" }}");
    let Some(server) = Server::with_config(&lines) else {
        return;
    };
    let by_url = Connection::new(format!("nats://anna:{SECRET}@127.0.0.1:{}", server.port));
    let by_builder = Connection::new(server.url()).user("anna", SECRET);
    works(&by_url, &by_builder);
    is_refused(&Connection::new(server.url()).user("anna", "wrong"));
}

#[test]
fn nkey_opens_the_server() {
    let lines = format!("authorization {{ users: [ {{ nkey: {PUBLIC_KEY} }} ] }}");
    let Some(server) = Server::with_config(&lines) else {
        return;
    };
    let connection = Connection::new(server.url()).nkey(SEED);
    works(&connection, &connection);
    is_refused(&Connection::new(server.url()));
}

/// A certificate for 127.0.0.1 and its key. `false` without the program.
fn made_certificate(folder: &Path) -> bool {
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| folder.join(name));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ])
        .args(["-nodes", "-days", "2", "-subj", "/CN=test"])
        .args([
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=CA:FALSE",
        ])
        .arg("-keyout")
        .arg(key)
        .arg("-out")
        .arg(certificate)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    made.is_ok_and(|status| status.success())
}

#[test]
fn tls_protects_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    if !made_certificate(folder.path()) {
        eprintln!("skipped: no openssl to make a certificate with");
        return;
    }
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    let lines = format!(
        "tls {{ cert_file: \"{}\", key_file: \"{}\" }}",
        certificate.display(),
        key.display()
    );
    let Some(server) = Server::with_config(&lines) else {
        return;
    };
    let url = format!("tls://127.0.0.1:{}", server.port);
    let trusting = Connection::new(&url).tls_roots(&certificate);
    works(&trusting, &trusting);
    // Without the certificate the server is a stranger.
    is_refused(&Connection::new(&url));
}

#[test]
fn server_without_tls_is_refused_on_demand() {
    let Some(server) = Server::start() else {
        return;
    };
    is_refused(&Connection::new(server.url()).require_tls());
    // One `tls` in the list holds for all: the others may lie anywhere on the way.
    let mixed = format!("tls://127.0.0.1:1, {}", server.url());
    is_refused(&Connection::new(mixed));
}

/// The permissions on the crate's page.
fn permissions() -> String {
    let page = include_str!("../../README.md");
    let from = page.find("caller = {").expect("the permissions of callers");
    let to = from + page[from..].find("```").expect("the end of the block");
    page[from..to].to_owned()
}

#[test]
fn least_permissions_are_enough() {
    let mut lines = permissions();
    for role in ["caller", "worker"] {
        let _ = writeln!(
            lines,
            "{role}_user = {{ user: {role}, password: {role}, permissions: ${role} }}"
        );
    }
    lines += "authorization { users: [ $caller_user, $worker_user ] }\n";
    let Some(server) = Server::with_config(&lines) else {
        return;
    };
    let [caller, runner] =
        ["caller", "worker"].map(|role| Connection::new(server.url()).user(role, role));
    works(&caller, &runner);
    let cluster = Cluster::connect(caller).unwrap();
    let _worker = worker(&jobs())
        .server(runner)
        .slots(1)
        .ack_wait(ACK_WAIT)
        .start()
        .unwrap();
    let large = vec![7; 3_000_000];
    assert!(cluster.submit::<echo>(&large).unwrap().wait().unwrap() == large);
    // The server enforces them: a worker cannot submit jobs, and a caller cannot take any.
    refuses(server.port, "worker", "PUB cluster.default.job.x 0\r\n\r\n");
    refuses(server.port, "worker", "SUB cluster.default.caller.> 9\r\n");
    refuses(server.port, "caller", "SUB cluster.default.job.> 9\r\n");
    refuses(
        server.port,
        "caller",
        "PUB $JS.API.CONSUMER.MSG.NEXT.cluster-default.x 0\r\n\r\n",
    );
    refuses(
        server.port,
        "caller",
        "PUB $JS.API.STREAM.DELETE.cluster-default 0\r\n\r\n",
    );
}

#[track_caller]
fn refuses(port: u16, role: &str, line: &str) {
    let options =
        format!(r#"{{"verbose":false,"pedantic":false,"user":"{role}","pass":"{role}"}}"#);
    let answer = Raw::with_options(port, &options).error(line);
    assert!(answer.contains("Permissions Violation"), "{line}: {answer}");
}
