//! Arbitrary bytes as a `results.json`: refused in one line, or rendered in 80 harmless columns.

#![no_main]

use libfuzzer_sys::fuzz_target;
use xtask::render;
use xtask::results::{parse, parse_baseline};
use xtask::text::{clean_lines, width};

fuzz_target!(|bytes: &[u8]| {
    match parse(bytes) {
        Ok(mut results) => {
            check(&render::everything(&results, Some(&results)));
            xtask::stats::summarise(&mut results);
            check(&render::everything(&results, None));
            let markdown = render::markdown(&results, Some(&results));
            for text in [markdown, render::csv(&results), render::picture(&results)] {
                assert_eq!(clean_lines(&text.replace('\r', "")), text.replace('\r', ""));
            }
        }
        Err(why) => assert!(!why.is_empty() && why.lines().count() == 1, "{why:?}"),
    }
    // The same, with one more reason to refuse.
    let _ = parse_baseline(bytes);
});

fn check(text: &str) {
    assert_eq!(clean_lines(text), text, "something is hidden in it");
    for line in text.lines() {
        assert!(width(line) <= 80, "{} columns: {line:?}", width(line));
    }
}
