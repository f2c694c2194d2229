//! The model `cluster` without the server that it needs.

use crate::support::Comparison;

#[test]
fn cluster_named_without_a_server_is_refused_in_a_line() {
    let missing = Comparison::tiny()
        .args(["--model", "cluster"])
        .env("NATS_SERVER", "/no/such/server".into());
    missing
        .run()
        .refused(&["error: --model cluster", "NATS_SERVER", "/no/such/server"]);
    let folder = Comparison::new();
    let found = Comparison::command("compare").args(["--list"]);
    let found = found.env("NATS_SERVER", folder.path("none").into_os_string());
    let finished = found.run();
    assert_eq!(finished.code(), 0, "{}", finished.stderr);
    assert!(finished.stdout.contains("left out here: NATS_SERVER names"));
}
