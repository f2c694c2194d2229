//! Contestants that misbehave, one test each. This program is the contestant too, when it is told
//! so.

mod answers;
mod cheats;
mod contestant;
mod crashes;
mod descendants;
mod meeting;
mod rubbish;
mod scene;
mod silence;
mod sound;
#[path = "../support/mod.rs"]
mod support;
mod vandals;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "contestant", deeds, tag] => return contestant::main(deeds, tag),
        [_, "descendant", kind, tag] => return contestant::descendant(kind, tag),
        _ => {}
    }
    let trials: Vec<Trial> = [
        answers::trials(),
        cheats::trials(),
        crashes::trials(),
        descendants::trials(),
        meeting::trials(),
        rubbish::trials(),
        silence::trials(),
        sound::trials(),
        vandals::trials(),
    ]
    .into_iter()
    .flatten()
    .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
