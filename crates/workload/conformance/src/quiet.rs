//! Silencing expected panics.

use std::panic;

type Hook = Box<dyn Fn(&panic::PanicHookInfo<'_>) + Sync + Send>;

/// A guard under which panics print nothing.
pub(super) struct Panics(Option<Hook>);

impl Panics {
    pub(super) fn quiet() -> Panics {
        let before = panic::take_hook();
        panic::set_hook(Box::new(|_| {}));
        Panics(Some(before))
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        // A panicking thread cannot set the hook, so a failed check leaves it silenced.
        if let Some(hook) = self.0.take()
            && !std::thread::panicking()
        {
            panic::set_hook(hook);
        }
    }
}
