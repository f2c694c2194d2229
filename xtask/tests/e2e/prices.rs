//! The price list from end to end, as short as it can be.

use std::fs;

use xtask::prices::{NAME, PriceList};

use crate::support::Comparison;

const DOCUMENT: &str = "before\n<!-- begin: prices -->\nold\n<!-- end: prices -->\nafter\n";

#[test]
fn prices_are_printed_kept_and_put_in() {
    let command = Comparison::command("prices").args(["--budget", "1s"]);
    let document = command.file("page.md", DOCUMENT);
    let finished = command
        .args(["--into".into(), document.clone().into_os_string()])
        .run();
    assert_eq!(finished.code(), 0, "{}", finished.stderr);
    for part in [
        "Prices of",
        "rayon item",
        "spawn_blocking",
        "a child process",
    ] {
        assert!(finished.stdout.contains(part), "{}", finished.stdout);
    }
    let page = fs::read_to_string(&document).unwrap();
    assert!(
        page.starts_with("before\n<!-- begin: prices -->\n```text\nPrices of")
            && page.ends_with("```\n<!-- end: prices -->\nafter\n"),
        "{page}"
    );
    let folder = finished.results.parent().unwrap();
    let text = fs::read_to_string(folder.join(NAME)).unwrap();
    let list: PriceList = serde_json::from_str(&text).unwrap();
    assert_eq!(list.prices.len(), 12);
    for price in &list.prices {
        assert_eq!(price.error, None, "{}", price.name);
        let (hot, cold) = (price.hot.unwrap(), price.cold.unwrap());
        assert!(
            hot.wall_ns.median > 0.0 && cold.wall_ns.median > 0.0,
            "{price:?}"
        );
        assert!(cold.wall_ns.low <= cold.wall_ns.high, "{price:?}");
    }
    let models = list
        .prices
        .iter()
        .filter(|price| price.memory_bytes.is_some());
    assert_eq!(models.count(), 9);
    finished.nothing_left();
}

#[test]
fn bad_document_costs_no_prices() {
    let command = Comparison::command("prices");
    let document = command.file("page.md", "no marker\n");
    let finished = command
        .args(["--into".into(), document.into_os_string()])
        .run();
    assert_eq!(finished.code(), 2, "{}", finished.stderr);
    let missing = "`<!-- begin: prices -->` is missing";
    assert!(finished.stderr.contains(missing), "{}", finished.stderr);
}
