//! Other pages than 80 columns without colour.

use unicode_width::UnicodeWidthStr as _;
use xtask::render::{self, Page, on_page};
use xtask::terminal::ascii;

use crate::against::earlier;
use crate::fixture::results;
use crate::full::full;

const WIDE: Page = Page {
    columns: 200,
    has_colour: false,
};

/// All that is printed, on this page.
fn rendered(page: Page) -> String {
    on_page(page, || {
        [results(), full(3)]
            .map(|results| {
                render::everything(&results, Some(&earlier()))
                    + &render::lines_and_answer(&results, Some(&earlier()))
                    + &render::smoke(&results)
            })
            .concat()
    })
}

#[test]
fn no_line_is_longer_than_its_page() {
    for columns in [40, 60, 80, 133, 200] {
        let page = Page {
            columns,
            has_colour: false,
        };
        for line in rendered(page).lines() {
            assert!(line.width() <= columns, "{columns} columns: {line}");
        }
    }
}

#[test]
fn nothing_is_lost_on_a_narrow_or_a_wide_page() {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let warning = results().warnings[0].clone();
    for columns in [40, 200] {
        let page = Page { columns, ..WIDE };
        let answer = on_page(page, || render::answer(&results(), None));
        assert!(words(&answer).contains(&warning), "{columns}: {answer}");
        assert!(!rendered(page).contains('…'), "{columns}");
    }
}

#[test]
fn a_narrow_page_keeps_names_before_every_block() {
    let page = Page {
        columns: 40,
        ..WIDE
    };
    let table = on_page(page, || render::table(&results(), 1));
    insta::assert_snapshot!("narrow", table);
}

#[test]
fn colours_change_no_letter() {
    let page = Page {
        has_colour: true,
        ..Page::PLAIN
    };
    let coloured = rendered(page);
    let mut bare = String::new();
    for (at, part) in coloured.split('\u{1b}').enumerate() {
        let rest = part.split_once('m').map(|(_, rest)| rest);
        bare.push_str(if at == 0 {
            part
        } else {
            rest.expect("a colour")
        });
    }
    assert_eq!(bare, rendered(Page::PLAIN));
    assert!(coloured.contains("\u{1b}[1;32mbest\u{1b}[0m"));
}

#[test]
fn ascii_text_is_as_wide_as_the_other() {
    let text = rendered(Page::PLAIN);
    let ascii = ascii(&text);
    assert!(ascii.is_ascii());
    for (ascii, line) in ascii.lines().zip(text.lines()) {
        assert_eq!(ascii.len(), line.width(), "{line}");
    }
    assert_eq!(ascii.lines().count(), text.lines().count());
}
