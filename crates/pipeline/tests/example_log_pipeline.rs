//! The example `log_pipeline`, started as a program.

#[path = "support/example.rs"]
mod example;
#[allow(dead_code, reason = "its `main` is not called")]
#[path = "../examples/log_pipeline.rs"]
mod log_pipeline;

use example::{Folder, refuses, run, start};

#[test]
fn example_succeeds_with_its_defaults() {
    example::become_or_check(log_pipeline::run);
}

#[test]
fn services_are_summed_up_and_addresses_replaced() {
    let folder = Folder::new();
    let log = folder.write(
        "log",
        "1 shop 20 order by ann@example.org done\n2 mail 0 sent\n3 shop 30 order of Bob\n\
         4 shop 10 bye\n",
    );
    let ended = run(&[log.as_os_str(), "3".as_ref(), "1".as_ref()]);
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""));
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines[0], "mail: 1 lines, at most 0 ms: sent");
    assert_eq!(lines[1], "shop: 3 lines, at most 30 ms: order of Bob");
    assert!(!ended.stdout.contains("ann@"), "{ended:?}");
    // One line waited at most, as there is room for no more.
    assert_eq!(lines[2], "parse: at most 1 of 4 lines waited");
}

#[test]
fn lines_that_wait_are_bounded_by_the_buffer() {
    let mut running = start(&["-", "1", "5"]);
    for n in 0..10_000 {
        running.write(&format!("{n} shop 1 {n}@example.org\n"));
    }
    let ended = running.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(
        ended
            .stdout
            .starts_with("shop: 10000 lines, at most 1 ms: <address>\n")
    );
    for stage in ["parse", "anonymise"] {
        let mut peaks =
            (0..=5).map(|peak| format!("{stage}: at most {peak} of 10000 lines waited"));
        assert!(peaks.any(|line| ended.stdout.contains(&line)), "{ended:?}");
    }
}

#[test]
fn broken_lines_are_named_and_the_others_counted() {
    let folder = Folder::new();
    let log = folder.write(
        "log",
        b"1 shop 20 good\nrubbish\n\xff\xff\n3 shop soon good\n5 shop 5 x",
    );
    let ended = run(&[log.as_os_str()]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(
        ended
            .stdout
            .starts_with("shop: 2 lines, at most 20 ms: good\n"),
        "{ended:?}"
    );
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert!(
        lines.len() == 3 && lines[0].contains("1 of 4 parts: rubbish"),
        "{ended:?}"
    );
}

#[cfg(unix)]
#[test]
fn unreadable_log_ends_the_run_with_status_1() {
    let folder = Folder::new();
    // A folder can be opened but not read.
    let ended = run(&[folder.path()]);
    assert_eq!(
        (ended.status, ended.stderr.lines().count()),
        (Some(1), 1),
        "{ended:?}"
    );
}

#[test]
fn bad_arguments_are_refused() {
    refuses(&["no such file"], "no such file");
    refuses(&["-", "0"], "\"0\" is not a number from 1 to 1000");
    refuses(
        &["-", "2", "many"],
        "\"many\" is not a number from 1 to 1000",
    );
    refuses(&["log", "2", "2", "2"], "\"2\" is one argument too many");
}
