//! Pages with one fault each: the probes find it, and find nothing on a page without.

use xtask_browser::{Browser, Screen, Theme};

use crate::site::{DESK, Site, Test, ensure, none};

type Check = fn(&Site, &mut Browser) -> Result<(), String>;

const CHECKS: [(&str, Check); 11] = [
    ("probes_find_nothing_on_a_plain_page", plain),
    ("errors_of_the_console_are_seen", console),
    ("requests_of_all_kinds_are_seen", requests),
    ("a_page_wider_than_the_screen_is_seen", wide),
    ("text_that_is_cut_off_is_seen", cut),
    ("text_that_overlaps_is_seen", overlap),
    ("faint_text_is_seen", faint),
    ("controls_that_a_keyboard_misses_are_seen", keyboard),
    ("controls_without_a_name_are_seen", nameless),
    ("pages_without_scripts_are_opened", scripts),
    ("time_of_scripts_is_counted", time),
];

pub(crate) fn tests() -> Vec<Test> {
    CHECKS.map(|(name, check)| Test::new(name, check)).into()
}

fn page(body: &str) -> String {
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8>\
         <meta name=viewport content='width=device-width, initial-scale=1'>\
         <title>a page</title><style>:root {{ color-scheme: light dark }}</style>\
         <body>{body}</body></html>"
    )
}

fn open(site: &Site, browser: &mut Browser, body: &str) -> Result<(), String> {
    let file = site.write("fault", &page(body))?;
    browser.open(&file, "").map(drop)
}

/// An error unless exactly one fault was found, and its text has these words.
fn one(found: &[String], words: &[&str]) -> Result<(), String> {
    let right = found.len() == 1 && words.iter().all(|word| found[0].contains(word));
    ensure(right, || format!("not one with {words:?}: {found:#?}"))
}

fn plain(site: &Site, browser: &mut Browser) -> Result<(), String> {
    let body = "<h1>Plain</h1><p>Two lines of text<br>close to each other \
        <button>press</button> <a href='#there'>go</a></p>\
        <div style='width: 100px; overflow: auto'><table><td>a wide table that scrolls</table></div>\
        <svg width=200 height=40 role=img aria-label=figure style='background: #eee'>\
        <rect width=100 height=40 fill=black /><text x=10 y=25 fill=white>light</text>\
        <text x=110 y=25 fill=black>dark</text></svg>";
    for theme in [Theme::Light, Theme::Dark] {
        for width in [390, 1280] {
            let screen = Screen {
                width,
                theme,
                ..DESK
            };
            browser.show_on(screen)?;
            open(site, browser, body)?;
            none(&browser.console()?, "console")?;
            none(&browser.layout()?.faults(), "layout")?;
            none(&browser.faint()?, "faint")?;
            none(&browser.nameless()?, "nameless")?;
        }
    }
    let focus = browser.tab_through()?;
    ensure(focus.controls == 2, || format!("{focus:?}"))?;
    none(&focus.missed, "missed")?;
    none(&focus.unseen, "without a visible focus")
}

fn console(site: &Site, browser: &mut Browser) -> Result<(), String> {
    open(site, browser, "<script>null.field</script>")?;
    one(&browser.console()?, &["SEVERE", "TypeError"])
}

fn requests(site: &Site, browser: &mut Browser) -> Result<(), String> {
    let body = "<img src='no-such-file.png' alt=''><script>\
        fetch('http://127.0.0.1:1/fetched').catch(() => 0);\
        new WebSocket('ws://127.0.0.1:1/socket')</script>";
    open(site, browser, body)?;
    let requests = browser.requests()?;
    for part in ["fault.html", "no-such-file.png", "/fetched", "/socket"] {
        ensure(requests.iter().any(|url| url.contains(part)), || {
            format!("no {part}: {requests:#?}")
        })?;
    }
    open(site, browser, "nothing")?;
    one(&browser.requests()?, &["file://", "fault.html"])
}

fn wide(site: &Site, browser: &mut Browser) -> Result<(), String> {
    for (width, height) in [(390, 800), (1280, 800)] {
        browser.show_on(Screen {
            width,
            height,
            ..DESK
        })?;
        open(site, browser, "<p id=long style='width: 1500px'>wide</p>")?;
        let found = browser.layout()?.too_wide;
        let named = found.iter().any(|line| line.contains("p#long"));
        ensure(named, || format!("{width}: {found:#?}"))?;
    }
    Ok(())
}

fn cut(site: &Site, browser: &mut Browser) -> Result<(), String> {
    let hidden = "<p style='width: 50px; white-space: nowrap; overflow: hidden'>cut text</p>";
    open(site, browser, hidden)?;
    one(&browser.layout()?.cut_off, &["cut text"])?;
    let drawn = "<svg width=60 height=20><text y=15>a drawn text that is cut</text></svg>";
    open(site, browser, drawn)?;
    one(&browser.layout()?.cut_off, &["a drawn text", "svg"])
}

fn overlap(site: &Site, browser: &mut Browser) -> Result<(), String> {
    open(
        site,
        browser,
        "<p>under</p><p style='margin-top: -2.2em'>above</p>",
    )?;
    one(&browser.layout()?.overlapping, &["under", "above"])?;
    let drawn = "<svg width=200 height=40><text y=20>one label</text>\
        <text x=40 y=22>another</text></svg>";
    open(site, browser, drawn)?;
    one(&browser.layout()?.overlapping, &["one label", "another"])
}

fn faint(site: &Site, browser: &mut Browser) -> Result<(), String> {
    open(
        site,
        browser,
        "<p style='color: #999; background: #eee'>faint</p>",
    )?;
    one(&browser.faint()?, &["faint"])?;
    browser.show_on(Screen {
        theme: Theme::Dark,
        ..DESK
    })?;
    open(
        site,
        browser,
        "<p style='color: #333'>on the page itself</p>",
    )?;
    one(&browser.faint()?, &["on the page itself"])?;
    browser.show_on(DESK)?;
    let drawn = "<svg width=200 height=40><rect width=200 height=40 fill='oklch(0.3 0.1 250)' />\
        <text x=10 y=25 fill=black>drawn</text></svg>";
    open(site, browser, drawn)?;
    one(&browser.faint()?, &["drawn"])
}

fn keyboard(site: &Site, browser: &mut Browser) -> Result<(), String> {
    let body = "<button>reached</button><a id=trap href='#a'>missed</a>\
        <button id=plain style='outline: none'>unseen</button><script>\
        const trap = document.querySelector('#trap');\
        trap.addEventListener('focus', () => document.querySelector('#plain').focus());\
        document.addEventListener('focusin', (event) => \
            { if (event.target === trap) event.stopImmediatePropagation() }, true)</script>";
    open(site, browser, body)?;
    let focus = browser.tab_through()?;
    one(&focus.missed, &["a#trap"])?;
    let unseen = focus.unseen.iter().all(|text| text == "button#plain");
    ensure(unseen && !focus.unseen.is_empty(), || format!("{focus:#?}"))
}

fn nameless(site: &Site, browser: &mut Browser) -> Result<(), String> {
    open(
        site,
        browser,
        "<button></button><button aria-label=named></button>",
    )?;
    one(&browser.nameless()?, &["button"])
}

fn scripts(site: &Site, browser: &mut Browser) -> Result<(), String> {
    let body = "<p>off</p><script>document.querySelector('p').textContent = 'on'</script>";
    for (allowed, expected) in [(false, "off"), (true, "on")] {
        browser.allow_scripts(allowed)?;
        open(site, browser, body)?;
        let text = browser.script("return document.querySelector('p').textContent", &[])?;
        ensure(text == expected, || format!("{allowed}: {text}"))?;
    }
    Ok(())
}

fn time(site: &Site, browser: &mut Browser) -> Result<(), String> {
    let busy = "<script>const end = performance.now() + 200; \
        while (performance.now() < end) {}</script>";
    let file = site.write("fault", &page(busy))?;
    let seconds = browser.open(&file, "")?.script_seconds;
    // Other programs may take the processor meanwhile, but not give time back.
    ensure(seconds > 0.05, || format!("{seconds} s"))
}
