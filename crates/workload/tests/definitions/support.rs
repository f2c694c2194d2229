//! Valid and invalid files, and checks of the errors about them.

use workload::definition::{Action, Definition, Step, parse};

/// The first example of the page on workloads, which uses the whole grammar.
pub(crate) fn orders() -> &'static str {
    include_str!("../orders.toml")
}

/// A small valid file with this step and these other lines.
pub(crate) fn with(top: &str, step: &str) -> String {
    format!("name = \"small\"\npattern = \"map\"\ntasks = 5\n{top}\n[[step]]\n{step}\n")
}

/// A small valid pipeline with these steps.
pub(crate) fn pipeline(steps: &[&str]) -> String {
    let mut text = "name = \"small\"\npattern = \"pipeline\"\ntasks = 5\n".to_owned();
    for step in steps {
        text += &format!("[[step]]\n{step}\n");
    }
    text
}

#[track_caller]
pub(crate) fn good(text: &str) -> Definition {
    parse(text, "good.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[track_caller]
pub(crate) fn error(text: &str) -> String {
    let error = parse(text, "bad.toml").expect_err(text).to_string();
    assert_is_one_line(&error);
    error
}

#[track_caller]
pub(crate) fn assert_is_one_line(error: &str) {
    assert!(
        !error
            .chars()
            .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')),
        "{error:?}"
    );
}

/// Checks that each text is refused at this line and column with a message that contains all the
/// parts.
#[track_caller]
pub(crate) fn assert_refused(cases: &[(&str, &str, &[&str])]) {
    for (text, place, parts) in cases {
        let error = error(text);
        assert!(
            error.starts_with(&format!("bad.toml:{place}: ")),
            "not at {place}: {error}\n{text}"
        );
        assert!(error.contains("; "), "no remedy: {error}");
        for part in *parts {
            assert!(error.contains(part), "no {part:?} in: {error}\n{text}");
        }
    }
}

/// Checks that each step, in a small file whose line 5 is `[[step]]`, is refused at this place.
#[track_caller]
pub(crate) fn assert_step_refused(cases: &[(&str, &str, &[&str])]) {
    for (step, place, parts) in cases {
        assert_refused(&[(&with("", step), place, parts)]);
    }
}

/// Checks that each line, as line 4 of a small file, is refused at this place.
#[track_caller]
pub(crate) fn assert_top_refused(cases: &[(&str, &str, &[&str])]) {
    for (top, place, parts) in cases {
        assert_refused(&[(&with(top, "wait = \"1ms\""), place, parts)]);
    }
}

pub(crate) fn every_task(action: Action) -> Step {
    Step {
        action,
        kind: None,
        weight: 1.0,
        stage: None,
    }
}

/// The first line of a recorded trace.
pub(crate) const HEADER: &str = "{\"job_trace\":1,\"clock\":\"monotonic\",\"unit\":\"ns\"}\n";

/// A recorded task: its length, CPU time, time in a queue, and voluntary switches.
pub(crate) fn recorded(wall_ns: u64, cpu_ns: u64, queued_ns: u64, switches: u64) -> String {
    let end_ns = 1_000 + wall_ns;
    format!(
        "{{\"start_ns\":1000,\"end_ns\":{end_ns},\"cpu_ns\":{cpu_ns},\"queued_ns\":{queued_ns},\
         \"switches\":{switches},\"thread\":0,\"outcome\":\"done\"}}\n"
    )
}

/// A trace of these lines of tasks, without a checksum.
pub(crate) fn trace(tasks: &[String]) -> String {
    let count = tasks.len();
    format!("{HEADER}{}{{\"tasks\":{count}}}\n", tasks.concat())
}
