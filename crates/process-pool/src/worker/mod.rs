//! The worker side: what runs after registration detects that this process was started as a worker.

mod file_id;
mod parent_link;
mod parent_watch;
#[allow(unsafe_code, reason = "signals; every block argues")]
mod signals;
mod test_name;
mod worker_loop;

use std::collections::BTreeSet;
use std::env;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::OwnedFd;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::stdio::{dup2_stdin, dup2_stdout, stdin};

use parent_link::ParentLink;
use test_name::test_name;

use crate::codec::{Descriptors, decode};
use crate::program::{CallError, Program, Registered, WORKER_NAME};
use crate::transport::layout::status;
use crate::transport::mapping::Region;
use crate::transport::socket;
use crate::worker_config::WorkerConfig;

/// The exit code of a worker that could not start; the parent has the message.
const NOT_STARTED: i32 = 70;

impl Program {
    /// Called by [`register!`](crate::register!). In a worker it does not return.
    #[doc(hidden)]
    pub fn enter(jobs: &'static [Registered], here: &str, in_test: bool) -> Self {
        /// A job in a worker may register again, to have a pool of its own.
        static IS_WORKER: AtomicBool = AtomicBool::new(false);
        let mut names = BTreeSet::new();
        for job in jobs {
            assert!(
                names.insert(job.name),
                "two registered jobs have the name {}: give one of them another name in `impl Job`",
                job.name
            );
        }
        if env::args_os()
            .next()
            .is_some_and(|name| name == WORKER_NAME)
            && !IS_WORKER.swap(true, Ordering::Relaxed)
        {
            main(jobs);
        }
        Self {
            jobs,
            test: in_test.then(|| test_name(here)).flatten(),
        }
    }
}

/// Runs jobs until the parent closes the pool or is gone.
fn main(jobs: &'static [Registered]) -> ! {
    match start(jobs) {
        Ok(link) => worker_loop::serve(link),
        Err(error) => {
            eprintln!("process-pool: a worker could not start: {error}");
            process::exit(NOT_STARTED);
        }
    }
}

fn start(jobs: &'static [Registered]) -> io::Result<ParentLink> {
    signals::lead_own_group()?;
    // The socket arrives as standard input, the one descriptor whose number needs no agreement. It
    // is moved, so that jobs find an empty input and their child processes inherit nothing.
    let socket = fcntl_dupfd_cloexec(stdin(), 3)?;
    dup2_stdin(File::open("/dev/null")?)?;
    let (_, descriptors) = socket::receive(&socket, true)?;
    let mut descriptors = descriptors.into_iter();
    let mut next = || descriptors.next().ok_or(io::ErrorKind::InvalidData);
    let (config, region, parent, event, stdout) = (next()?, next()?, next()?, next()?, next()?);
    // libtest's own greeting went elsewhere.
    dup2_stdout(stdout)?;
    // The thread that watches the parent handles no signals.
    signals::block_all();
    let watching = parent_watch::start(parent, &socket);
    signals::unblock_all();
    watching?;
    let region: &'static Region = Box::leak(Box::new(Region::new(&region)?));
    let mut bytes = Vec::new();
    rewound(config)?.read_to_end(&mut bytes)?;
    let config: WorkerConfig = decode(&bytes, Vec::new()).map_err(io::Error::other)?;
    let link = ParentLink::new(region, socket, event, jobs, config)?;
    // Nothing depends on the name.
    let _ = rustix::thread::set_name(
        &std::ffi::CString::new(link.config.name.as_str()).unwrap_or_default(),
    );
    if let Err(why) = prepare(&link, descriptors.map(Arc::new).collect()) {
        let status = &link.region.worker.0.status;
        status.store(status::FAILED, Ordering::Release);
        link.send_failure(&why);
        process::exit(NOT_STARTED);
    }
    let status = &link.region.worker.0.status;
    status.store(status::READY, Ordering::Release);
    // Batches may have been pushed during the start.
    link.ring();
    Ok(link)
}

/// Rewinds a file, whose position is shared with the parent that wrote it.
fn rewound(file: OwnedFd) -> io::Result<File> {
    let mut file = File::from(file);
    file.rewind()?;
    Ok(file)
}

/// Takes the steps that must succeed before the first job.
fn prepare(link: &ParentLink, descriptors: Descriptors) -> Result<(), String> {
    let config = &link.config;
    if Program::fingerprint(link.jobs) != config.fingerprint {
        return Err(
            "registered other jobs than its parent: register the same ones whatever the arguments"
                .to_owned(),
        );
    }
    if let Some(bytes) = config.memory_limit {
        let limit = Rlimit {
            current: Some(bytes),
            maximum: Some(bytes),
        };
        setrlimit(Resource::Data, limit)
            .map_err(|error| format!("could not set its memory limit: {error}"))?;
        signals::note_out_of_memory(&link.region.worker.0.out_of_memory);
    }
    let Some((job, input)) = &config.initializer else {
        return Ok(());
    };
    let job = link
        .jobs
        .get(*job as usize)
        .ok_or("has no such initializer")?;
    match job.call(input, descriptors, &mut Vec::new()) {
        Ok(_) => Ok(()),
        Err(CallError::Panicked(panic)) => Err(format!(
            "failed in its initializer, which panicked: {}",
            panic.message()
        )),
        Err(CallError::Input(why) | CallError::Output(why)) => {
            Err(format!("failed in its initializer: {why}"))
        }
    }
}
