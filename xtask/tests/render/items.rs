//! The figures of an Item, in its page of the book.

use std::fs;

use xtask::render::{Page, item, on_page};
use xtask::report::report;
use xtask::results::write;

use crate::fixture::results;
use crate::{args, assert_fits};

const PAGE: &str =
    "# Item\n<!-- begin: measured -->\nstale figures\n<!-- end: measured -->\nrest\n";

#[test]
fn item_shows_the_workloads_that_are_about_it() {
    let mut results = results();
    results.workloads[0].items = vec![53];
    results.workloads[1].items = vec![64];
    let (first, second) = (&results.workloads[0].name, &results.workloads[1].name);
    let text = on_page(Page::PLAIN, || item(&results, 53));
    assert_fits(&text);
    let begins = |name: &str| text.lines().any(|line| line.starts_with(name));
    assert!(
        begins("command") && begins(first) && !begins(second),
        "{text}"
    );
    assert!(!text.contains("Item 6"), "{text}");
    assert_eq!(item(&results, 99), "");
}

#[test]
fn pages_of_items_are_filled_together_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let mut results = results();
    results.workloads[0].items = vec![53];
    results.workloads[1].items = vec![64];
    write(&path("results.json"), &results).unwrap();
    let read = |name: &str| fs::read_to_string(path(name)).unwrap();
    let mut args = args(&path("results.json"), None, false);
    args.items = Some(dir.path().to_owned());
    assert!(
        report(&args)
            .unwrap_err()
            .contains("has no page item-NN.md")
    );

    for page in ["item-53.md", "item-99.md", "item-x.md"] {
        fs::write(path(page), PAGE).unwrap();
    }
    let refused = report(&args).unwrap_err();
    assert!(refused.contains("no workload of Item 99"), "{refused}");
    assert_eq!(read("item-53.md"), PAGE);

    fs::remove_file(path("item-99.md")).unwrap();
    let said = report(&args).unwrap();
    assert!(said.contains("figures for 1 page"), "{said}");
    assert_eq!(read("item-x.md"), PAGE);
    let page = read("item-53.md");
    assert!(!page.contains("stale figures") && page.ends_with("<!-- end: measured -->\nrest\n"));
    assert!(page.contains(&results.workloads[0].name), "{page}");

    args.into = Some(path("item-53.md"));
    let twice = report(&args).unwrap_err();
    assert!(
        twice.contains("would overwrite the file of --items"),
        "{twice}"
    );
}
