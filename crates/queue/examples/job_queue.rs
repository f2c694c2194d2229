//! A job queue with graceful shutdown: workers take jobs from a bounded queue. At the end of the
//! input or on a signal (Ctrl-C, SIGTERM) it is closed, the accepted jobs get some time to finish,
//! and the rest is named.
//!
//! It shows back-pressure (a full queue stops the reader), `close`, `join_timeout` and `close_now`,
//! and `get_async` beside a signal.
//!
//! `cargo run --release -p effective-queue --example job_queue -- [FILE [WORKERS [GRACE_MS]]]`
//!
//! Each line is a job, a number: the primes below it are counted. `-` is standard input; without a
//! file there are some jobs. By default 2 workers have 10 s to finish. The exit status is 1 if a
//! job was given up or was no number, 2 if the arguments are wrong.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use effective_queue::{Item, Queue};
#[cfg(unix)]
use tokio::signal::unix::SignalKind;

const USAGE: &str = "usage: job_queue [FILE [WORKERS [GRACE_MS]]]";

const SAMPLE: &[u8] = b"1000\n10000\n20000\n30000\n40000\n";

/// How many jobs may wait for a worker.
const WAITING: NonZeroUsize = NonZeroUsize::new(16).unwrap();

type Input = Box<dyn BufRead + Send>;

/// The jobs, the number of workers, and the time to finish.
fn settings(arguments: &[OsString]) -> Result<(Input, u64, Duration), String> {
    let number = |index: usize, default, most| match arguments.get(index) {
        None => Ok(default),
        Some(text) => {
            let number = text.to_str().and_then(|text| text.parse().ok());
            let number = number.filter(|number| (1..=most).contains(number));
            number.ok_or_else(|| format!("{text:?} is not a number from 1 to {most}"))
        }
    };
    let (workers, grace_ms) = (number(1, 2, 1_000)?, number(2, 10_000, 3_600_000)?);
    let open = |file| File::open(file).map_err(|error| format!("{file:?}: {error}"));
    let input: Input = match arguments {
        [] => Box::new(SAMPLE),
        [_, _, _, surplus, ..] => return Err(format!("{surplus:?} is one argument too many")),
        [file, ..] if file == "-" => Box::new(BufReader::new(io::stdin())),
        [file, ..] => Box::new(BufReader::new(open(file)?)),
    };
    Ok((input, workers, Duration::from_millis(grace_ms)))
}

/// Takes jobs until the queue is closed and empty. A job is done when it is dropped.
fn work(queue: &Queue<u64>) {
    for job in queue {
        let small = |n: u64| (2..).take_while(move |divisor| divisor * divisor <= n);
        let is_prime = |n: &u64| !small(*n).any(|divisor| n.is_multiple_of(divisor));
        let primes = (2..*job).filter(is_prime).count();
        println!("{primes} primes below {}", *job);
    }
}

/// Puts a job for each line, waits while the queue is full, and ends when it is closed. Returns how
/// many lines were no number.
fn read(input: Input, queue: &Queue<u64>) -> usize {
    let mut wrong = 0;
    for line in input.lines() {
        // A line that is no text is a wrong one; an input that fails is not read further.
        let failed = matches!(&line, Err(error) if error.kind() != io::ErrorKind::InvalidData);
        match line.map(|line| line.trim().parse().map_err(|_| line)) {
            Ok(Ok(job)) if queue.put(job).is_ok() => continue,
            Ok(Ok(job)) => eprintln!("job_queue: {job} came too late"),
            Ok(Err(line)) => eprintln!("job_queue: {line:?} is not a number"),
            Err(error) => eprintln!("job_queue: {error}"),
        }
        wrong += 1;
        if failed || queue.is_closed() {
            break;
        }
    }
    wrong
}

/// Returns how many lines were no number, or `None` after Ctrl-C or, on Unix, SIGTERM.
async fn read_until_signal(input: Input, queue: &Arc<Queue<u64>>) -> io::Result<Option<usize>> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(SignalKind::terminate())?;
    #[cfg(unix)]
    let terminated = terminate.recv();
    #[cfg(not(unix))]
    let terminated = std::future::pending::<Option<()>>();
    // The reader may wait for input for good, so it is not joined: it puts its result here.
    let (jobs, ended) = (Arc::clone(queue), Arc::new(Queue::unbounded()));
    let result = Arc::clone(&ended);
    thread::spawn(move || result.put(read(input, &jobs)));
    tokio::select! {
        _ = terminated => Ok(None),
        interrupted = tokio::signal::ctrl_c() => interrupted.map(|()| None),
        wrong = ended.get_async() => Ok(wrong.ok().map(Item::into_inner)),
    }
}

/// Returns whether all jobs were done.
fn serve(input: Input, workers: u64, grace: Duration) -> io::Result<bool> {
    let queue = Arc::new(Queue::bounded(WAITING));
    for _ in 0..workers {
        let queue = Arc::clone(&queue);
        thread::spawn(move || work(&queue));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let wrong = runtime.block_on(read_until_signal(input, &queue))?;
    println!(
        "{}: finishing",
        wrong.map_or("a signal", |_| "end of the input")
    );
    queue.close();
    let in_time = queue.join_timeout(grace).is_ok();
    let waiting = queue.close_now();
    if !in_time {
        println!("given up: {} that ran, and {waiting:?}", queue.unfinished());
    }
    Ok(in_time && wrong.unwrap_or(0) == 0)
}

pub(crate) fn run(arguments: &[OsString]) -> u8 {
    match settings(arguments).map(|(input, workers, grace)| serve(input, workers, grace)) {
        Ok(Ok(done)) => u8::from(!done),
        Ok(Err(error)) => {
            eprintln!("job_queue: {error}");
            1
        }
        Err(problem) => {
            eprintln!("job_queue: {problem}; {USAGE}");
            2
        }
    }
}

fn main() -> ExitCode {
    run(&env::args_os().skip(1).collect::<Vec<_>>()).into()
}
