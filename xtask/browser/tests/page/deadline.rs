//! The hard limit on the whole run.

use std::process::exit;
use std::thread;
use std::time::Duration;

/// A run takes about a minute on two idle cores.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// Ends this program at the limit. The guard of each driver then ends the browsers.
pub(crate) fn set() {
    thread::spawn(|| {
        thread::sleep(LIMIT);
        eprintln!(
            "the tests of the page did not end within {} s",
            LIMIT.as_secs()
        );
        exit(1);
    });
}
