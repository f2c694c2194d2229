//! Output that is no reply.

use libtest_mimic::Trial;

use crate::scene::{fails, trial, with};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (deeds, error) in [
        ("rubbish@hello", r#"printed rubbish: "Hello, world!""#),
        ("rubbish@load", r#"printed rubbish: "Hello, world!""#),
        ("rubbish@sample", r#"printed rubbish: "Hello, world!""#),
        ("rubbish@trace", r#"printed rubbish: "Hello, world!""#),
        ("shape@sample", r#"printed rubbish: "{\"reply\":\"banana\""#),
        ("list@sample", r#"printed rubbish: "[1, 2, 3]""#),
        ("bytes@sample", "printed rubbish: \"\u{fffd}\u{fffd}{}\""),
        ("escape@sample", r#"printed rubbish: "\u{1b}[2J"#),
        ("endless@sample", r#"printed rubbish: "xxxx"#),
        ("twice@hello", r#"printed rubbish: "{\"reply\":\"hello\""#),
        ("twice@sample", r#"printed rubbish: "{\"reply\":\"sample\""#),
        ("twice@trace", r#"printed rubbish: "{\"reply\":\"trace\""#),
    ] {
        let name = format!("what_is_no_reply_is_quoted::{deeds}");
        trials.push(trial(&name, move || {
            let finished = with(deeds).run();
            fails(&finished, error);
            assert!(!finished.stdout.contains('\u{1b}'), "{}", finished.stdout);
        }));
    }
    trials
}
