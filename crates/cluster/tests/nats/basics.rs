//! Submitting, waiting and mapping, with a worker in another process.

use effective_cluster::Cluster;

use crate::support::jobs::{double, process_id};
use crate::support::server::Server;
use crate::support::worker::WorkerProcess;

#[test]
fn job_runs_in_another_process() {
    let Some(server) = Server::start() else {
        return;
    };
    let _worker = WorkerProcess::start(&server.url(), 2);
    let cluster = Cluster::connect(server.url()).unwrap();
    assert_eq!(cluster.submit::<double>(21).unwrap().wait().unwrap(), 42);
    let id = cluster.submit::<process_id>(()).unwrap().wait().unwrap();
    assert_ne!(id, std::process::id());
}
