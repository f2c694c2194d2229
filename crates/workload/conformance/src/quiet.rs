//! Keeps expected panics out of the test output.

use std::panic;

type Hook = Box<dyn Fn(&panic::PanicHookInfo<'_>) + Sync + Send>;

/// While it lives, panics print nothing.
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
        // The hook cannot be set while this thread panics: the failing check then stays without its hook.
        if let Some(hook) = self.0.take()
            && !std::thread::panicking()
        {
            panic::set_hook(hook);
        }
    }
}
