//! The example `shared_counters`, started as a program.

#[path = "support/example.rs"]
mod example;
#[allow(dead_code, reason = "its `main` is not called")]
#[path = "../examples/shared_counters.rs"]
mod shared_counters;

use example::{Folder, refuses, run};

#[test]
fn example_succeeds_with_its_defaults() {
    example::become_or_check(shared_counters::run);
}

#[test]
fn counts_of_many_threads_are_exact() {
    let folder = Folder::new();
    let file = folder.write("large", "to be or\nnot to be\n".repeat(20_000));
    let other = folder.write("small", "or so");
    let ended = run(&[
        "--threads".as_ref(),
        "7".as_ref(),
        file.as_os_str(),
        other.as_os_str(),
    ]);
    let expected = "40000 lines, 120002 words, 380005 bytes\n   40000 be\n   40000 to\n   \
                    20001 or\n   20000 not\n       1 so\n";
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(0), expected));
    assert_eq!(ended.stderr, "");
}

#[test]
fn unreadable_file_is_named_and_the_others_are_counted() {
    let folder = Folder::new();
    let file = folder.write("good", "one\n");
    let ended = run(&[folder.path().join("missing").as_os_str(), file.as_os_str()]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(
        ended.stdout.starts_with("1 lines, 1 words, 4 bytes\n"),
        "{ended:?}"
    );
    assert!(ended.stderr.contains("missing: "), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
}

#[test]
fn bad_arguments_are_refused() {
    for number in ["0", "-1", "many", "1000000"] {
        refuses(
            &["--threads", number],
            "--threads needs a number from 1 to 1024",
        );
    }
    refuses(&["--threads"], "--threads needs a number from 1 to 1024");
    refuses(&["--lines"], "no option --lines");
}
