//! The report's page in a headless browser.
//!
//! One browser opens all pages, one test after another. Without Chromium and its driver the tests
//! are ignored with the reason, except with `CI=true`, where they fail.

mod deadline;
mod ending;
mod every_page;
mod faults;
mod full_page;
mod kinds;
mod site;
mod valid;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use xtask_browser::{Browser, Driver, missing};

use site::Site;

fn main() -> ExitCode {
    if let [_, "abandoned"] = std::env::args()
        .collect::<Vec<_>>()
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()[..]
    {
        return ending::abandoned();
    }
    let mut arguments = Arguments::from_args();
    // They share the browser.
    arguments.test_threads = Some(1);
    let (no_browser, no_validator) = (missing(), valid::missing());
    for reason in no_browser.iter().chain(&no_validator) {
        eprintln!("not all is tested: {reason}");
    }
    // There, nothing is left out without a failure.
    let must = std::env::var_os("CI").is_some_and(|value| value == "true");
    if must && (no_browser.is_some() || no_validator.is_some()) {
        return ExitCode::FAILURE;
    }
    let ignored = |trial: Trial| {
        let is_ignored =
            no_browser.is_some() || no_validator.is_some() && trial.name() == valid::NAME;
        trial.with_ignored_flag(is_ignored)
    };
    if no_browser.is_some() || arguments.list {
        let trials = Site::trials(None).into_iter().map(ignored).collect();
        return libtest_mimic::run(&arguments, trials).exit_code();
    }
    deadline::set();
    let started = Driver::start().map(Arc::new).and_then(|driver| {
        let browser = Browser::start(&driver)?;
        Ok((driver, browser))
    });
    let (driver, browser) = match started {
        Ok(started) => started,
        Err(error) => {
            eprintln!("no browser: {error}");
            return ExitCode::FAILURE;
        }
    };
    let site = Arc::new(Site::new(browser, driver.folder()));
    let trials = Site::trials(Some(&site)).into_iter().map(ignored).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    for note in site.notes() {
        println!("{note}");
    }
    conclusion.exit_code()
}
