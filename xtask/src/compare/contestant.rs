//! Contestants: the programs that take part, and their hellos.

use std::time::{Duration, Instant};

use workload::job::About;
use workload::protocol::{Hello, PROTOCOL, Reply, Request, Variant};

use super::heard;
use super::interrupt::Interrupt;
use super::runner::{Asking, Fault, Runner};
use crate::error::Error;
use crate::packages::Declared;

/// The name of the baseline.
pub(crate) const SEQUENTIAL: &str = "sequential";

/// A program that speaks the protocol, and its hello.
#[derive(Debug)]
pub(crate) struct Contestant {
    /// Its name in the tables.
    pub(super) name: String,
    /// How it is started.
    pub(super) command: Vec<String>,
    /// Its hello, or the reason why it is not measured.
    pub(super) hello: Result<Hello, String>,
    /// The time from its start to its hello.
    pub(super) started_in: Duration,
    /// The declarations of its manifest; the default for a runner without one.
    pub(super) declared: Declared,
}

impl Contestant {
    /// Starts the program once and asks who it is.
    ///
    /// # Errors
    ///
    /// Only [`Error::Interrupted`]: a program that says nothing sensible is a contestant whose rows
    /// say so.
    pub(crate) fn meet(
        name: &str,
        command: Vec<String>,
        declared: Declared,
        patience: Duration,
        interrupt: &Interrupt,
    ) -> Result<Contestant, Error> {
        let begin = Instant::now();
        let met = introduce(&command, patience, interrupt);
        let started_in = begin.elapsed();
        let hello = match met {
            Ok((hello, runner)) => runner.quit().map(|()| hello),
            Err(Fault::Interrupted) => return Err(Error::Interrupted),
            Err(fault) => Err(fault),
        };
        let hello = hello.map_err(|fault| fault.to_string());
        Ok(Contestant {
            name: name.to_owned(),
            command,
            hello,
            started_in,
            declared,
        })
    }

    /// The variants; just the default one of a contestant that named none.
    pub(super) fn variants(&self) -> Vec<Variant> {
        match &self.hello {
            Ok(hello) if !hello.variants.is_empty() => hello.variants.clone(),
            _ => vec![Variant {
                name: String::new(),
                about: String::new(),
                concurrency: Default::default(),
                ignores_workers: false,
            }],
        }
    }

    /// The job that its program has.
    pub(super) fn job(&self) -> Option<About> {
        self.hello.as_ref().ok().and_then(|hello| hello.job)
    }

    /// The version it gave.
    pub(super) fn version(&self) -> Option<&str> {
        self.hello.as_ref().ok().map(|hello| hello.version.as_str())
    }
}

/// Starts a program and takes its hello.
///
/// # Errors
///
/// Whatever it does instead.
pub(crate) fn introduce<'i>(
    command: &[String],
    patience: Duration,
    interrupt: &'i Interrupt,
) -> Result<(Hello, Runner<'i>), Fault> {
    let mut runner = Runner::start(command, interrupt)?;
    match runner.ask(
        &Request::Hello { protocol: PROTOCOL },
        Asking::within(patience),
    )? {
        Reply::Hello(hello) if hello.protocol != PROTOCOL => Err(Fault::Unmet(format!(
            "it speaks version {} of the protocol, the comparison speaks {PROTOCOL}",
            hello.protocol
        ))),
        Reply::Hello(hello) if hello.version.trim().is_empty() => Err(Fault::Unmet(
            "it did not say its version, so it is not measured".to_owned(),
        )),
        Reply::Hello(said) => {
            let hello = heard::hello(said).map_err(Fault::Unmet)?;
            Ok((hello, runner))
        }
        other => Err(mismatch("hello", &other)),
    }
}

/// The fault of a reply that answers something else.
pub(crate) fn mismatch(request: &'static str, reply: &Reply) -> Fault {
    let text = serde_json::to_string(reply).unwrap_or_default();
    Fault::Mismatch {
        request,
        reply: text.chars().take(100).collect(),
    }
}
