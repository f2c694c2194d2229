//! The program of a job: the runner of any model, and the worker and child processes of two.

use std::env;
use std::process::ExitCode;

use workload::job;
use workload::runner::{self, Extras};
use workload::sequential::Sequential;

use super::check;

/// Runs what the arguments ask for.
pub(crate) fn main(job: impl job::Job + 'static) -> ExitCode {
    job::set(Box::new(job));
    // In a worker process of `process-pool` this is where its work is done.
    let workers =
        effective_process_pool::register![process_pool_compare::load, process_pool_compare::task];
    let args: Vec<String> = env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        [child_process_compare::TASK] => child_process_compare::run_task(),
        [check::INPUTS, tasks, seed] => check::print(tasks, seed),
        [model] => run(model, workers),
        _ => usage(),
    }
}

/// Becomes the runner of this model.
fn run(model: &str, workers: effective_process_pool::Program) -> ExitCode {
    match model {
        "sequential" => runner::serve(Sequential, Extras { referee: true }),
        "async-std-tasks" => runner::main(async_std_tasks_compare::AsyncStdTasksModel),
        "bridge" => runner::main(bridge_compare::BridgeModel),
        "child-process" => match env::current_exe() {
            Ok(program) => runner::main(child_process_compare::ChildProcessModel::new(program)),
            Err(error) => {
                eprintln!("child-process: cannot find its own program to start: {error}");
                ExitCode::FAILURE
            }
        },
        "coroutines" => runner::main(coroutines_compare::CoroutinesModel),
        "data-parallel" => runner::main(data_parallel_compare::DataParallelModel),
        "locks" => runner::main(locks_compare::LocksModel),
        "pipeline" => runner::main(pipeline_compare::PipelineModel),
        "process-pool" => runner::main(process_pool_compare::ProcessPoolModel::new(workers)),
        "queue" => runner::main(queue_compare::QueueModel),
        "stall-watch" => runner::main(stall_watch_compare::StallWatchModel),
        "thread-pool" => runner::main(thread_pool_compare::ThreadPoolModel),
        "threads" => runner::main(threads_compare::ThreadsModel),
        "tokio-tasks" => runner::main(tokio_tasks_compare::TokioTasksModel),
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!(
        "This program is a job, with every model linked in. In the checkout that its Cargo.toml names, `cargo xtask \
         compare --job DIR` builds and compares it; DIR is the folder of that Cargo.toml."
    );
    ExitCode::from(2)
}
