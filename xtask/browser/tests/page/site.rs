//! The browser and the folders that all tests share.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::Trial;
use xtask_browser::{Browser, Screen, Theme};

use crate::{ending, faults};

/// One test. Its error says what is wrong with the page.
pub(crate) type Check = fn(&Site, &mut Browser) -> Result<(), String>;

/// The screen of a test that does not look at the size.
pub(crate) const DESK: Screen = Screen {
    width: 1280,
    height: 800,
    theme: Theme::Light,
};

/// The browser, which one test uses at a time, and where the pages are.
pub(crate) struct Site {
    browser: Mutex<Browser>,
    folder: PathBuf,
}

impl Site {
    /// With a folder for the pages.
    pub(crate) fn new(browser: Browser, folder: &Path) -> Site {
        Site {
            browser: Mutex::new(browser),
            folder: folder.to_path_buf(),
        }
    }

    /// All tests; without a site they can only be listed.
    pub(crate) fn trials(site: Option<&Arc<Site>>) -> Vec<Trial> {
        let checks = [faults::CHECKS, ending::CHECKS].concat();
        let trial = |(name, check): (&str, Check)| {
            let site = site.cloned();
            Trial::test(name, move || {
                let site = site.ok_or("no browser can be started here")?;
                Ok(site.run(check)?)
            })
        };
        checks.into_iter().map(trial).collect()
    }

    fn run(&self, check: Check) -> Result<(), String> {
        let mut browser = self.browser.lock().unwrap_or_else(PoisonError::into_inner);
        browser.show_on(DESK)?;
        browser.allow_scripts(true)?;
        check(self, &mut browser)
    }

    /// Writes a page, for this run only.
    pub(crate) fn write(&self, name: &str, html: &str) -> Result<PathBuf, String> {
        let path = self.folder.join(format!("{name}.html"));
        std::fs::write(&path, html).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }
}

/// An error that lists what was found, if anything was.
pub(crate) fn none(found: &[String], what: &str) -> Result<(), String> {
    if found.is_empty() {
        return Ok(());
    }
    Err(format!("{what}:\n  {}", found.join("\n  ")))
}

/// An error unless the condition holds.
pub(crate) fn ensure(condition: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if condition { Ok(()) } else { Err(otherwise()) }
}
