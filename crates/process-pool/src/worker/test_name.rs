//! The name of the running test, with which libtest can be told to run it again.

use std::thread;

/// libtest names a test's thread after the test, except when tests run one after another on the
/// main thread. Then the path of the registering function gives the name.
pub(super) fn test_name(here: &str) -> Option<String> {
    if let Some(name) = thread::current().name()
        && name != "main"
    {
        return Some(name.to_owned());
    }
    let path = here.strip_suffix("::here").unwrap_or(here);
    // An asynchronous test is a closure in the function.
    let path = path.trim_end_matches("::{{closure}}");
    let (_, test) = path.split_once("::")?;
    // The `main` of a test without libtest.
    (test != "main").then(|| test.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_name_comes_from_thread_or_path() {
        let named = |here: &str| {
            let here = here.to_owned();
            thread::Builder::new()
                .name("main".to_owned())
                .spawn(move || test_name(&here))
                .unwrap()
                .join()
                .unwrap()
        };
        assert_eq!(
            named("tests::faults::one::here").as_deref(),
            Some("faults::one")
        );
        assert_eq!(
            named("tests::one::{{closure}}::here").as_deref(),
            Some("one")
        );
        assert_eq!(named("bench::main::here"), None);
        let other = thread::Builder::new().name("a::b".to_owned());
        let name = other
            .spawn(|| test_name("x::helper::here"))
            .unwrap()
            .join()
            .unwrap();
        assert_eq!(name.as_deref(), Some("a::b"));
    }
}
