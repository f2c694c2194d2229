//! The runner of `cluster` in the comparison, which is also the program of its workers.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use cluster_compare::{ClusterModel, Engine, WORKER, work};

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    let server = args.next();
    if server.as_ref().is_some_and(|arg| arg == WORKER) {
        return work();
    }
    // A comparison names the server's program, and the folder that it removes at its end.
    let engine = match (server, args.next()) {
        (Some(server), Some(folder)) => Ok(Engine::new(PathBuf::from(server), folder.into())),
        _ => Engine::find(),
    };
    match env::current_exe() {
        Ok(program) => workload::runner::main(ClusterModel::new(program, engine)),
        Err(error) => {
            eprintln!("cluster: cannot find its own program to start: {error}");
            ExitCode::FAILURE
        }
    }
}
