//! Worker processes, each of which reads numbers of tasks from a pipe and writes results into
//! another one.

use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::Run;
use crate::job::{self, Real};

/// A process that has this job loaded.
struct Worker {
    child: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
}

impl Worker {
    fn start(job: &Real) -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--worker", job.name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let missing = || io::Error::from(io::ErrorKind::BrokenPipe);
        let requests = child.stdin.take().ok_or_else(missing)?;
        let replies = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        let mut worker = Worker {
            child,
            requests,
            replies,
        };
        // The inputs are made before the first task is timed.
        worker.reply()?;
        Ok(worker)
    }

    fn reply(&mut self) -> io::Result<u64> {
        let mut line = String::new();
        self.replies.read_line(&mut line)?;
        line.trim().parse().map_err(io::Error::other)
    }

    fn run(&mut self, task: usize) -> io::Result<u64> {
        writeln!(self.requests, "{task}")?;
        self.reply()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn prepare(job: &Real, workers: usize) -> io::Result<Run> {
    let mut workers: Vec<Worker> = (0..workers)
        .map(|_| Worker::start(job))
        .collect::<io::Result<_>>()?;
    let count = job.tasks;
    Ok(Box::new(move || {
        let next = AtomicUsize::new(0);
        let next = &next;
        let mut outputs = vec![0; count];
        thread::scope(|scope| {
            let feeders: Vec<_> = workers
                .iter_mut()
                .map(|worker| scope.spawn(move || feed(worker, next, count)))
                .collect();
            for feeder in feeders {
                let mine = feeder.join().expect("a feeder panicked");
                for (task, output) in mine.expect("a worker died") {
                    outputs[task] = output;
                }
            }
        });
        outputs
    }))
}

fn feed(worker: &mut Worker, next: &AtomicUsize, count: usize) -> io::Result<Vec<(usize, u64)>> {
    let mut mine = Vec::new();
    loop {
        let task = next.fetch_add(1, Ordering::Relaxed);
        if task >= count {
            return Ok(mine);
        }
        mine.push((task, worker.run(task)?));
    }
}

/// The worker's side: it ends when its input does.
///
/// # Errors
///
/// If there is no such job, or a pipe breaks.
pub fn worker(name: &str) -> io::Result<()> {
    let job = job::named(name).ok_or_else(|| io::Error::other(format!("no job {name}")))?;
    let mut replies = BufWriter::new(io::stdout().lock());
    writeln!(replies, "0")?;
    replies.flush()?;
    for line in io::stdin().lock().lines() {
        let task: usize = line?.trim().parse().map_err(io::Error::other)?;
        writeln!(replies, "{}", (job.call)(task))?;
        replies.flush()?;
    }
    Ok(())
}
