//! The report's page in a headless browser.
//!
//! One browser opens all pages, one test after another. Without Chromium and its driver the tests
//! are ignored with the reason, except with `CI=true`, where they fail.

mod deadline;
mod ending;
mod faults;
mod site;

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
    let missing = missing();
    if let Some(reason) = &missing {
        eprintln!("the page is not tested: {reason}");
        if std::env::var_os("CI").is_some_and(|value| value == "true") {
            return ExitCode::FAILURE;
        }
    }
    if missing.is_some() || arguments.list {
        let trials = Site::trials(None).into_iter();
        let ignored = trials.map(|trial| trial.with_ignored_flag(missing.is_some()));
        return libtest_mimic::run(&arguments, ignored.collect()).exit_code();
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
    let trials: Vec<Trial> = Site::trials(Some(&site));
    libtest_mimic::run(&arguments, trials).exit_code()
}
