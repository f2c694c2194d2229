//! One error, which goes anywhere and says it all in one line.

use std::error::Error;
use std::time::Duration;

use effective_locks::{Semaphore, TimedOut};

#[test]
fn it_travels_in_any_error_type_and_has_nothing_behind_it() {
    fn travels<E: Error + Clone + Send + Sync + 'static>() {}
    travels::<TimedOut>();
    let error = Semaphore::new(0)
        .acquire_timeout(Duration::ZERO)
        .expect_err("there is none");
    assert!(error.source().is_none());
    assert!(!error.to_string().contains('\n'));
    assert!(format!("{error:?}").contains("no permit"));
    // No bigger than a pointer, so that results stay small.
    assert_eq!(size_of::<Option<TimedOut>>(), size_of::<usize>());
}
