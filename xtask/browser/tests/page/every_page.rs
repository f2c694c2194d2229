//! Rules that the page of any results keeps.

use xtask_browser::{Browser, Theme};

use crate::kinds::Kind;
use crate::site::{DESK, Site, Test, ensure, none, screens, shown};

/// The limit on the scripts of a page. It is printed, and asserted with much slack, since other
/// programs may have the processor.
const SCRIPT_SECONDS: f64 = 0.1;
const SLACK: f64 = 10.0;

/// The width of Letter paper on its side, between margins, in CSS pixels. A4 is wider.
const PAPER: u32 = 965;

type Check = fn(&Site, &mut Browser, Kind) -> Result<(), String>;

pub(crate) fn tests() -> Vec<Test> {
    let checks: [(&str, Check); 8] = [
        ("has_no_error_and_no_request", quiet),
        ("fits_on_every_screen", layout),
        ("has_readable_colours", colours),
        ("names_every_control", names),
        ("is_reached_by_keyboard", keyboard),
        ("is_whole_without_scripts", without_scripts),
        ("fits_on_paper", paper),
        ("starts_quickly", speed),
    ];
    let of_kind = |kind: Kind| {
        checks.map(move |(name, check)| {
            let name = format!("{}_page_{name}", kind.name());
            Test::new(name, move |site, browser| check(site, browser, kind))
        })
    };
    Kind::ALL.into_iter().flat_map(of_kind).collect()
}

fn quiet(site: &Site, browser: &mut Browser, kind: Kind) -> Result<(), String> {
    let loaded = browser.open(&site.page(kind)?, "")?;
    none(&browser.console()?, "in the console")?;
    let requests = browser.requests()?;
    let own = requests == [loaded.url];
    ensure(own, || format!("requests: {requests:#?}"))?;
    let title = browser.script("return document.title", &[])?;
    let words = title.as_str().unwrap_or_default();
    ensure(!words.is_empty() && words != "broken", || {
        format!("title {title}")
    })
}

fn layout(site: &Site, browser: &mut Browser, kind: Kind) -> Result<(), String> {
    let mut wrong = Vec::new();
    for screen in screens() {
        browser.show_on(screen)?;
        browser.open(&site.page(kind)?, "")?;
        let name = format!("{}-{}-{}", kind.name(), screen.width, screen.theme.name());
        // Pictures take longer than all else. People look at those of a full run first.
        if kind == Kind::Full {
            browser.picture(&shown().join("pictures"), &name, 20)?;
        } else if (screen.width == 390) == (screen.theme == Theme::Dark) {
            browser.picture(&shown().join("pictures"), &name, 2)?;
        }
        let faults = browser.layout()?.faults().into_iter();
        wrong.extend(faults.map(|text| format!("{name}: {text}")));
    }
    none(&wrong, "layout")
}

fn colours(site: &Site, browser: &mut Browser, kind: Kind) -> Result<(), String> {
    let mut wrong = Vec::new();
    for theme in [Theme::Light, Theme::Dark] {
        browser.show_on(xtask_browser::Screen { theme, ..DESK })?;
        browser.open(&site.page(kind)?, "")?;
        let faint = browser.faint()?.into_iter();
        wrong.extend(faint.map(|text| format!("{}: {text}", theme.name())));
    }
    none(&wrong, "too faint")
}

fn names(site: &Site, browser: &mut Browser, kind: Kind) -> Result<(), String> {
    browser.open(&site.page(kind)?, "")?;
    none(&browser.nameless()?, "without a name")
}

fn keyboard(site: &Site, browser: &mut Browser, kind: Kind) -> Result<(), String> {
    browser.open(&site.page(kind)?, "")?;
    let focus = browser.tab_through()?;
    ensure(focus.controls > 0, || "no controls".to_owned())?;
    none(&focus.missed, "not reached")?;
    none(&focus.unseen, "without a visible focus")
}

/// The content of a page: its words, tables, rows and figures. Controls are made by the script and
/// do not count.
const CONTENT: &str = "\
    const page = document.body.cloneNode(true); \
    const text = (element) => element.textContent.replace(/\\s+/g, ' ').trim(); \
    const counts = ['h1', 'h2', 'h3', 'table', 'tr', 'td', 'svg', 'svg path', 'svg title'] \
        .map((name) => [name, page.querySelectorAll(name).length]); \
    page.querySelectorAll('script, .tools, .theme').forEach((element) => element.remove()); \
    return { counts, text: text(page) }";

fn without_scripts(site: &Site, browser: &mut Browser, kind: Kind) -> Result<(), String> {
    let page = site.page(kind)?;
    browser.open(&page, "")?;
    let with = browser.script(CONTENT, &[])?;
    browser.allow_scripts(false)?;
    browser.open(&page, "")?;
    let without = browser.script(CONTENT, &[])?;
    let controls = "return document.querySelectorAll('button, select, input').length";
    let dead = browser.script(controls, &[])?;
    let visible = browser.lines()?;
    browser.allow_scripts(true)?;
    ensure(with == without, || {
        format!("with scripts: {with}\nwithout: {without}")
    })?;
    ensure(dead == 0, || format!("{dead} controls that do nothing"))?;
    ensure(visible > 3, || format!("{visible} lines of text"))
}

fn paper(site: &Site, browser: &mut Browser, kind: Kind) -> Result<(), String> {
    browser.show_on_paper(PAPER)?;
    browser.open(&site.page(kind)?, "")?;
    none(&browser.layout()?.faults(), "layout")?;
    let shown_controls = "return [...document.querySelectorAll('.theme, .tools, select')]\
        .filter((element) => element.checkVisibility()).length";
    let controls = browser.script(shown_controls, &[])?;
    ensure(controls == 0, || format!("{controls} controls on paper"))?;
    // White paper, whatever the screen is like.
    none(&browser.faint()?, "too faint")?;
    let ink = browser.script("return getComputedStyle(document.body).color", &[])?;
    let pdf = browser.print()?;
    std::fs::create_dir_all(shown())
        .and_then(|()| std::fs::write(shown().join(format!("{}.pdf", kind.name())), &pdf))
        .map_err(|error| format!("the PDF: {error}"))?;
    ensure(pdf.starts_with(b"%PDF"), || "no PDF".to_owned())?;
    ensure(ink.as_str().is_some_and(is_dark), || {
        format!("printed in {ink}")
    })
}

/// Whether a computed colour `rgb(r, g, b)` is dark.
fn is_dark(colour: &str) -> bool {
    let numbers = colour.trim_start_matches(|c: char| !c.is_ascii_digit());
    let parts = numbers.split(|c: char| !c.is_ascii_digit());
    let parts: Vec<u32> = parts.filter_map(|part| part.parse().ok()).collect();
    parts.len() >= 3 && parts[..3].iter().all(|part| *part < 128)
}

const MEASURED: &str =
    "return performance.getEntriesByType('measure').reduce((sum, one) => sum + one.duration, 0)";

fn speed(site: &Site, browser: &mut Browser, kind: Kind) -> Result<(), String> {
    let page = site.page(kind)?;
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let counted = browser.open(&page, "")?.script_seconds;
        // The page's own measure has the layout that its script asks for, too.
        let measured = browser.script(MEASURED, &[])?.as_f64();
        let measured = measured.ok_or("the page does not measure its script")?;
        best = best.min(counted.max(measured / 1e3));
    }
    let bytes = std::fs::metadata(&page).map_or(0, |found| found.len());
    let milliseconds = best * 1e3;
    site.note(format!(
        "{}: {milliseconds:.1} ms of scripts at best of three, {} kB",
        kind.name(),
        bytes / 1000
    ));
    let limit = match kind {
        // Many marks, or names that are longer escaped.
        Kind::Huge | Kind::Hostile => 2_000_000,
        _ => 600_000,
    };
    ensure(bytes <= limit, || format!("{bytes} bytes"))?;
    ensure(best < SCRIPT_SECONDS * SLACK, || {
        format!("{milliseconds} ms of scripts")
    })
}
