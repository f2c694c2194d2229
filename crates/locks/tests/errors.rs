//! `TimedOut`: it fits any error type and is one line.

use std::error::Error;
use std::time::Duration;

use effective_locks::{Semaphore, TimedOut};

#[test]
fn timed_out_fits_any_error_type_and_has_no_source() {
    fn fits<E: Error + Clone + Send + Sync + 'static>() {}
    fits::<TimedOut>();
    let error = Semaphore::new(0)
        .acquire_timeout(Duration::ZERO)
        .expect_err("no permit exists");
    assert!(error.source().is_none());
    assert!(!error.to_string().contains('\n'));
    assert!(format!("{error:?}").contains("no permit"));
    // One pointer wide, so that a `Result` stays small.
    assert_eq!(size_of::<Option<TimedOut>>(), size_of::<usize>());
}
