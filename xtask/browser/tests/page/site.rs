//! The browser, the pages and the folders that all tests share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::Trial;
use xtask::page::page;
use xtask_browser::{Browser, Screen, Theme};

use crate::kinds::Kind;
use crate::{ending, every_page, faults, full_page, valid};

/// Looks at pages. Its error says what is wrong with them.
type Check = Box<dyn FnOnce(&Site, &mut Browser) -> Result<(), String> + Send>;

/// One test.
pub(crate) struct Test {
    pub(crate) name: String,
    pub(crate) check: Check,
}

impl Test {
    pub(crate) fn new(
        name: impl Into<String>,
        check: impl FnOnce(&Site, &mut Browser) -> Result<(), String> + Send + 'static,
    ) -> Test {
        Test {
            name: name.into(),
            check: Box::new(check),
        }
    }
}

/// The screen of a test that does not look at the size.
pub(crate) const DESK: Screen = Screen {
    width: 1280,
    height: 800,
    theme: Theme::Light,
};

/// The screens that pages have to be readable on: a phone, a laptop, a large screen.
pub(crate) fn screens() -> impl Iterator<Item = Screen> {
    let sizes = [(390, 844), (1280, 800), (1920, 1080)];
    let themes = [Theme::Light, Theme::Dark];
    let screen = move |(width, height)| {
        themes.map(|theme| Screen {
            width,
            height,
            theme,
        })
    };
    sizes.into_iter().flat_map(screen)
}

/// The browser, which one test uses at a time, and where the pages are.
pub(crate) struct Site {
    browser: Mutex<Browser>,
    folder: PathBuf,
    pages: Mutex<BTreeMap<&'static str, PathBuf>>,
    notes: Mutex<Vec<String>>,
}

impl Site {
    /// With a folder for the pages.
    pub(crate) fn new(browser: Browser, folder: &Path) -> Site {
        Site {
            browser: Mutex::new(browser),
            folder: folder.to_path_buf(),
            pages: Mutex::default(),
            notes: Mutex::default(),
        }
    }

    /// All tests; without a site they can only be listed.
    pub(crate) fn trials(site: Option<&Arc<Site>>) -> Vec<Trial> {
        let tests = [
            faults::tests(),
            ending::tests(),
            every_page::tests(),
            full_page::tests(),
            valid::tests(),
        ];
        let trial = |test: Test| {
            let site = site.cloned();
            Trial::test(test.name, move || {
                let site = site.ok_or("no browser can be started here")?;
                let browser = site.browser.lock();
                let mut browser = browser.unwrap_or_else(PoisonError::into_inner);
                browser.show_on(DESK)?;
                browser.allow_scripts(true)?;
                Ok((test.check)(&site, &mut browser)?)
            })
        };
        tests.into_iter().flatten().map(trial).collect()
    }

    /// Keeps a line to print when all tests have ended.
    pub(crate) fn note(&self, line: String) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.push(line);
    }

    /// The lines that were kept.
    pub(crate) fn notes(&self) -> Vec<String> {
        let notes = self.notes.lock();
        notes.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes a page, for this run only.
    pub(crate) fn write(&self, name: &str, html: &str) -> Result<PathBuf, String> {
        let path = self.folder.join(format!("{name}.html"));
        std::fs::write(&path, html).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }

    /// The page of these results.
    pub(crate) fn page(&self, kind: Kind) -> Result<PathBuf, String> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = pages.get(kind.name()) {
            return Ok(path.clone());
        }
        let html = page(&kind.results()?, kind.earlier()?.as_ref());
        let path = self.write(kind.name(), &html)?;
        pages.insert(kind.name(), path.clone());
        Ok(path)
    }
}

/// The folder for what people look at: `target/browser`.
pub(crate) fn shown() -> PathBuf {
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    temporary.parent().unwrap_or(temporary).join("browser")
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
