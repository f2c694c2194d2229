//! Inputs and outputs that are too large for a message.

use effective_cluster::{Cluster, SubmitError};

use crate::support::jobs::{echo, size};
use crate::support::raw::{Raw, wait_until_empty};
use crate::support::server::Server;
use crate::support::worker::WorkerProcess;

#[test]
fn large_values_travel_by_reference() {
    let Some(server) = Server::start() else {
        return;
    };
    let _worker = WorkerProcess::start(&server.url(), 1);
    let cluster = Cluster::connect(server.url()).unwrap();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|at| at as u8).collect();
    assert_eq!(
        cluster.submit::<size>(&bytes).unwrap().wait().unwrap(),
        bytes.len()
    );
    assert!(cluster.submit::<echo>(&bytes).unwrap().wait().unwrap() == bytes);
    drop(cluster);
    wait_until_empty(server.port);
    // Only the notes that they were deleted are left.
    let mut raw = Raw::connect(server.port);
    let info = raw.request("$JS.API.STREAM.INFO.OBJ_cluster-default", "");
    let info: serde_json::Value = serde_json::from_str(&info).unwrap();
    assert!(info["state"]["bytes"].as_u64().unwrap() < 10_000, "{info}");
}

#[test]
fn input_above_limit_is_not_published() {
    let Some(server) = Server::start() else {
        return;
    };
    let cluster = Cluster::builder()
        .max_input(2_000_000)
        .connect(server.url())
        .unwrap();
    let refused = cluster.submit::<size>(vec![0; 2_000_001]);
    assert!(matches!(
        refused,
        Err(SubmitError::TooLarge {
            limit: 2_000_000,
            ..
        })
    ));
    assert_eq!(Raw::connect(server.port).waiting(), 0);
}
