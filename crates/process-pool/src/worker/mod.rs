//! The other process: what a program does once its registration has found out that it is a worker.

mod config;
mod desk;
mod identity;
mod run;
#[allow(unsafe_code, reason = "signals; every block argues")]
mod signals;
mod watch;

pub(crate) use config::Config;

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::process;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::stdio::{dup2_stdin, dup2_stdout, stdin};

use desk::Desk;

use crate::codec::{Descriptors, decode};
use crate::program::CallError;
use crate::transport::layout::status;
use crate::transport::mapping::Region;
use crate::transport::socket;
use crate::{Program, Registered};

/// What the exit code of a worker says that could not begin; the parent has the words.
const NOT_STARTED: i32 = 70;

/// Serves until the parent says that it is enough, or is gone.
pub(crate) fn main(jobs: &'static [Registered]) -> ! {
    match start(jobs) {
        Ok(desk) => run::serve(desk),
        Err(error) => {
            eprintln!("process-pool: a worker could not start: {error}");
            process::exit(NOT_STARTED);
        }
    }
}

fn start(jobs: &'static [Registered]) -> io::Result<Desk> {
    signals::lead_own_group()?;
    // The socket comes as standard input, the one descriptor that needs no agreement on its number. It moves away from
    // there, so that jobs find an empty input, and what they start inherits nothing.
    let socket = fcntl_dupfd_cloexec(stdin(), 3)?;
    dup2_stdin(File::open("/dev/null")?)?;
    let (_, descriptors) = socket::receive(&socket, true)?;
    let mut descriptors = descriptors.into_iter();
    let mut next = || descriptors.next().ok_or(io::ErrorKind::InvalidData);
    let (config, region, parent, event, stdout) = (next()?, next()?, next()?, next()?, next()?);
    // libtest's own words went elsewhere.
    dup2_stdout(stdout)?;
    // The thread that watches the parent handles no signals.
    signals::block_all();
    let watching = watch::parent(parent, &socket);
    signals::unblock_all();
    watching?;
    let region: &'static Region = Box::leak(Box::new(Region::new(&region)?));
    let mut bytes = Vec::new();
    rewound(config)?.read_to_end(&mut bytes)?;
    let config: Config = decode(&bytes, Vec::new()).map_err(io::Error::other)?;
    let desk = Desk::new(region, socket, event, jobs, config)?;
    // Nobody needs the name to be right.
    let _ = rustix::thread::set_name(
        &std::ffi::CString::new(desk.config.name.as_str()).unwrap_or_default(),
    );
    if let Err(why) = prepare(&desk, descriptors.map(Arc::new).collect()) {
        let status = &desk.region.worker.0.status;
        status.store(status::FAILED, Ordering::Release);
        desk.say_why(&why);
        process::exit(NOT_STARTED);
    }
    let status = &desk.region.worker.0.status;
    status.store(status::READY, Ordering::Release);
    // Units may wait at a worker that takes longer to start.
    desk.ring();
    Ok(desk)
}

/// Its position is shared with the parent, who wrote it.
fn rewound(file: OwnedFd) -> io::Result<File> {
    use std::io::Seek;
    let mut file = File::from(file);
    file.rewind()?;
    Ok(file)
}

/// What must succeed before there are jobs.
fn prepare(desk: &Desk, descriptors: Descriptors) -> Result<(), String> {
    let config = &desk.config;
    if Program::fingerprint(desk.jobs) != config.fingerprint {
        return Err(
            "registered other jobs than its parent: register the same ones, whatever the arguments"
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
        signals::note_out_of_memory(&desk.region.worker.0.out_of_memory);
    }
    let Some((job, input)) = &config.initializer else {
        return Ok(());
    };
    let job = desk
        .jobs
        .get(*job as usize)
        .ok_or("has no such initializer")?;
    match job.call(input, descriptors, &mut Vec::new()) {
        Ok(_) => Ok(()),
        Err(CallError::Panicked(message)) => Err(format!(
            "failed in its initializer, which panicked: {message}"
        )),
        Err(CallError::Input(why) | CallError::Output(why)) => {
            Err(format!("failed in its initializer: {why}"))
        }
    }
}
