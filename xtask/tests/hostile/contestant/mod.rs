//! The contestant: an honest runner, and a list of deeds such as `exit@load` or
//! `orphan@load,silent@sample`. Each names what is done and the request at which it is; `sample3`
//! is the third sample of a life.

mod cheats;
mod deeds;
mod honest;
mod vandal;

pub(crate) use deeds::descendant;
pub(crate) use vandal::VICTIM;

use std::io::{BufRead as _, Write as _};
use std::process::ExitCode;

use workload::protocol::Request;

use honest::Honest;

/// Answers requests, but for the deeds.
pub(crate) fn main(deeds: &str, tag: &str) -> ExitCode {
    let mut honest = Honest::default();
    let deaf = deeds.contains("deaf");
    if deaf {
        deeds::ignore_terminate();
    }
    if deeds.contains("burn") {
        std::thread::spawn(|| {
            loop {
                std::hint::spin_loop();
            }
        });
    }
    honest.has_workers = deeds.contains("workers");
    honest.remembers = deeds.contains("remember@load");
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a request");
        let request: Request = serde_json::from_str(&line).expect("a request");
        if request == Request::Quit {
            if deaf {
                continue;
            }
            return ExitCode::SUCCESS;
        }
        let name = honest.count(&request);
        let now = |deed: &str, what| {
            deed.strip_prefix(what)
                .is_some_and(|when| when == name.0 || when == name.1)
        };
        honest.plants = deeds.split(',').any(|deed| now(deed, "plant@"));
        let mut cheat = None;
        for deed in deeds.split(',') {
            if let Some((what, when)) = deed.split_once('@')
                && (when == name.0 || when == name.1)
            {
                cheat = cheat.or_else(|| cheats::reply(what, &honest));
            }
        }
        let cheats = cheat.is_some();
        let mut reply = Some(cheat.unwrap_or_else(|| honest.reply(request)));
        if deeds.contains("early") && name.0 == "load" {
            cheats::order_early(&honest);
        }
        for deed in deeds.split(',').filter(|_| !cheats) {
            if let Some((what, when)) = deed.split_once('@')
                && (when == name.0 || when == name.1)
            {
                vandal::deed(what, &honest);
                reply = reply.and_then(|reply| deeds::deed(what, reply, tag));
            }
        }
        if let Some(reply) = reply {
            say(&serde_json::to_string(&reply).expect("JSON"));
        }
    }
    if deaf {
        // Not even the end of the input is a reason to go.
        deeds::sleep_forever();
    }
    ExitCode::SUCCESS
}

fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
