//! The page of a full run, used as a reader would: sorted, cut down, copied, linked to.

use serde_json::{Value, json};
use xtask_browser::{Browser, Screen, Theme};

use crate::kinds::Kind;
use crate::site::{DESK, Site, Test, ensure, none, screens};

/// The table that is used: the first workload's.
const TABLE: &str = "t1";

type Check = fn(&Site, &mut Browser) -> Result<(), String>;

const CHECKS: [(&str, Check); 11] = [
    ("every_sample_is_a_mark", marks),
    ("answer_is_on_the_first_screen", answer),
    ("words_in_the_head_of_the_matrix_are_whole", words),
    ("columns_are_sorted_by_a_click", sorting),
    ("columns_are_sorted_by_keyboard", keyboard),
    ("rows_are_hidden_and_shown_again", hiding),
    ("factors_are_relative_to_a_chosen_row", baseline),
    ("tables_are_copied_as_markdown", copying),
    ("a_link_to_a_view_shows_that_view", linking),
    ("theme_is_switched_whatever_the_system_has", theme),
    ("links_within_the_page_lead_somewhere", links),
];

pub(crate) fn tests() -> Vec<Test> {
    CHECKS.map(|(name, check)| Test::new(name, check)).into()
}

/// A script that sees the table, its rows in their order, and those of its columns that have
/// buttons.
fn in_table(body: &str) -> String {
    format!(
        "const table = document.getElementById('{TABLE}');\
         const rows = [...table.tBodies[0].rows];\
         const heads = [...table.tHead.rows[0].cells];\
         const tools = table.closest('section.workload').querySelector('.tools');\
         const word = (element) => element.textContent.trim();\
         {body}"
    )
}

/// The first words of the rows, in their order.
fn order(browser: &Browser) -> Result<Value, String> {
    let script = in_table("return rows.map((row) => word(row.cells[0]))");
    browser.script(&script, &[])
}

/// The address of the page that is open, from `#` on.
fn fragment(browser: &Browser) -> Result<String, String> {
    let hash = browser.script("return location.hash", &[])?;
    Ok(hash.as_str().unwrap_or_default().to_owned())
}

fn select(place: usize) -> String {
    format!("section:has(#{TABLE}) .tools label:nth-of-type({place}) select")
}

fn marks(site: &Site, browser: &mut Browser) -> Result<(), String> {
    browser.open(&site.page(Kind::Full)?, "")?;
    let results = Kind::Full.results()?;
    let mut seen = 0;
    for (place, table) in results.workloads.iter().enumerate() {
        let cells = results.cells.iter().filter(|cell| {
            cell.workload == table.name && cell.tasks == table.tasks && cell.wall_ns.is_some()
        });
        let mut expected: Vec<u64> = cells.map(|cell| cell.samples.len() as u64).collect();
        expected.sort_unstable();
        let script = format!(
            "return [...document.getElementById('t{}').tBodies[0].rows].map((row) => \
                [...row.querySelectorAll('path.s, path.w')]\
                .reduce((sum, path) => sum + path.getAttribute('d').split('M').length - 1, 0))",
            place + 1
        );
        let found = browser.script(&script, &[])?;
        let found = found.as_array().map_or(&[][..], Vec::as_slice);
        let mut found: Vec<u64> = found.iter().filter_map(Value::as_u64).collect();
        found.sort_unstable();
        ensure(found == expected, || {
            format!("{}: {found:?} marks, {expected:?} samples", table.name)
        })?;
        seen += found.iter().sum::<u64>();
    }
    ensure(seen > 1_000, || format!("{seen} marks"))
}

fn answer(site: &Site, browser: &mut Browser) -> Result<(), String> {
    for screen in screens() {
        browser.show_on(screen)?;
        for (kind, what) in [(Kind::Full, ".choices strong"), (Kind::Single, "h1")] {
            browser.open(&site.page(kind)?, "")?;
            let script = format!(
                "const box = document.querySelector('{what}').getBoundingClientRect();\
                 return box.height > 0 && box.bottom <= innerHeight"
            );
            let seen = browser.script(&script, &[])?;
            ensure(seen == true, || {
                format!("{kind:?} on {screen:?}: not {what}")
            })?;
        }
    }
    Ok(())
}

fn words(site: &Site, browser: &mut Browser) -> Result<(), String> {
    let script = "const heads = [...document.querySelectorAll('.matrix thead th')];\
         const lines = (head) => { const range = document.createRange();\
             range.selectNodeContents(\
             document.createTreeWalker(head, NodeFilter.SHOW_TEXT).nextNode());\
             return new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size; };\
         const single = heads.filter((head) => /^[a-z]+$/.test(head.textContent.trim()));\
         return [single.length, single.filter((head) => lines(head) > 1)\
             .map((head) => head.textContent)]";
    for screen in screens() {
        browser.show_on(screen)?;
        browser.open(&site.page(Kind::Full)?, "")?;
        let seen = browser.script(script, &[])?;
        ensure(seen[0].as_u64() > Some(2), || format!("words: {seen}"))?;
        ensure(seen[1] == json!([]), || {
            format!("broken on {screen:?}: {}", seen[1])
        })?;
    }
    Ok(())
}

/// Whether the table is sorted by this column, as its values say.
fn is_sorted(browser: &Browser, column: usize, down: bool) -> Result<bool, String> {
    let script = in_table(
        "const [column, down] = arguments;\
         const value = (row) => row.cells[column].dataset.v === undefined\
             ? (column === 0 ? word(row.cells[0]) : null) : Number(row.cells[column].dataset.v);\
         const values = rows.map(value);\
         const known = values.filter((value) => value !== null);\
         const gaps = values.slice(known.length).every((value) => value === null);\
         const pairs = known.slice(1).every((next, at) => \
             down ? known[at] >= next : known[at] <= next);\
         return gaps && pairs && known.length > 1",
    );
    let sorted = browser.script(&script, &[json!(column), json!(down)])?;
    Ok(sorted == true)
}

/// The `aria-sort` of each column.
fn said(browser: &Browser) -> Result<Vec<String>, String> {
    let script = in_table("return heads.map((head) => head.getAttribute('aria-sort') || '')");
    let said = browser.script(&script, &[])?;
    let said = said.as_array().map_or(&[][..], Vec::as_slice);
    Ok(said
        .iter()
        .map(|word| word.as_str().unwrap_or("?").to_owned())
        .collect())
}

fn sorting(site: &Site, browser: &mut Browser) -> Result<(), String> {
    browser.open(&site.page(Kind::Full)?, "")?;
    let before = order(browser)?;
    let script =
        in_table("return heads.flatMap((head, at) => head.querySelector('button') ? [at] : [])");
    let columns = browser.script(&script, &[])?;
    let columns = columns.as_array().map_or(&[][..], Vec::as_slice);
    let columns: Vec<usize> = columns
        .iter()
        .filter_map(Value::as_u64)
        .map(|at| at as usize)
        .collect();
    ensure(columns.len() > 4, || format!("columns {columns:?}"))?;
    for column in columns {
        let button = format!("#{TABLE} thead th:nth-child({}) button", column + 1);
        for (down, word) in [(false, "ascending"), (true, "descending")] {
            browser.click(&button)?;
            let said = said(browser)?;
            let only = said
                .iter()
                .enumerate()
                .all(|(at, said)| (at == column) != said.is_empty());
            ensure(said[column] == word && only, || {
                format!("column {column}: {said:?}")
            })?;
            ensure(is_sorted(browser, column, down)?, || {
                format!("column {column} is not {word}")
            })?;
        }
        browser.click(&button)?;
        let after = order(browser)?;
        ensure(after == before, || format!("not as before: {after}"))?;
    }
    none(&browser.console()?, "in the console")
}

fn keyboard(site: &Site, browser: &mut Browser) -> Result<(), String> {
    browser.open(&site.page(Kind::Full)?, "")?;
    browser.script(&in_table("heads[0].querySelector('button').focus()"), &[])?;
    for (key, word) in [("\u{e007}", "ascending"), (" ", "descending")] {
        browser.press(key)?;
        let said = said(browser)?;
        ensure(said[0] == word, || format!("{key:?}: {said:?}"))?;
        ensure(is_sorted(browser, 0, word == "descending")?, || {
            word.to_owned()
        })?;
    }
    let focused = "return heads[0].contains(document.activeElement)";
    let focused = browser.script(&in_table(focused), &[])?;
    ensure(focused == true, || "the focus is lost".to_owned())
}

/// The first words of the rows that can be seen.
fn seen(browser: &Browser) -> Result<Vec<String>, String> {
    let script = in_table(
        "return rows.filter((row) => row.checkVisibility()).map((row) => word(row.cells[0]))",
    );
    let seen = browser.script(&script, &[])?;
    let seen = seen.as_array().map_or(&[][..], Vec::as_slice);
    Ok(seen
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect())
}

fn hiding(site: &Site, browser: &mut Browser) -> Result<(), String> {
    browser.open(&site.page(Kind::Full)?, "")?;
    let all = seen(browser)?;
    for row in [&all[1], &all[3]] {
        browser.choose(&select(2), row)?;
    }
    let left = seen(browser)?;
    let expected: Vec<&String> = all
        .iter()
        .filter(|row| **row != all[1] && **row != all[3])
        .collect();
    ensure(left.iter().eq(expected), || format!("left: {left:?}"))?;
    let again = in_table(
        "const button = [...tools.querySelectorAll('button')]\
             .find((button) => /2 hidden/.test(word(button)));\
         button.focus()",
    );
    browser.script(&again, &[])?;
    browser.press(" ")?;
    let shown = seen(browser)?;
    ensure(shown == all, || format!("shown again: {shown:?}"))?;
    none(&browser.console()?, "in the console")
}

fn baseline(site: &Site, browser: &mut Browser) -> Result<(), String> {
    browser.open(&site.page(Kind::Full)?, "")?;
    let factors = in_table("return rows.map((row) => word(row.cells[1].firstElementChild))");
    let before = browser.script(&factors, &[])?;
    let rows = seen(browser)?;
    browser.choose(&select(1), &rows[3])?;
    let after = browser.script(&factors, &[])?;
    ensure(after[3] == "1.00×", || format!("the row itself: {after}"))?;
    let values = in_table("return rows.map((row) => Number(row.cells[1].dataset.v))");
    let values = browser.script(&values, &[])?;
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    for at in 0..rows.len() {
        let expected = number(&values[at]) / number(&values[3]);
        let text = after[at].as_str().unwrap_or_default();
        let shown: f64 = text
            .trim_matches(['>', '×', ' '])
            .parse()
            .map_err(|_| format!("no factor: {text:?}"))?;
        let near = (shown / expected - 1.0).abs() < 0.06;
        ensure(near, || format!("{}: {text}, not {expected}", rows[at]))?;
    }
    let head = browser.script(&in_table("return word(heads[1])"), &[])?;
    let head = head.as_str().unwrap_or_default();
    ensure(head.contains(&rows[3]), || format!("head: {head}"))?;
    browser.choose(&select(1), "the best")?;
    let again = browser.script(&factors, &[])?;
    ensure(again == before, || format!("not as before: {again}"))?;
    bounded(site, browser)
}

/// A row that is only known to take longer than something is no base, chosen or in an address.
fn bounded(site: &Site, browser: &mut Browser) -> Result<(), String> {
    let bounded = "const tables = [...document.querySelectorAll('table.race[id^=t]')];\
         const factor = (row) => row.cells[1].firstElementChild.textContent.trim();\
         const rows = tables.flatMap((table) => [...table.tBodies[0].rows].map((row, at) => \
             [table, row, at]).filter(([, row]) => factor(row).startsWith('>')));\
         if (!rows.length) return null;\
         const [table, row, at] = rows[0];\
         const select = table.closest('section.workload').querySelector('.tools select');\
         select.dispatchEvent(new Event('focus'));\
         const offered = [...select.options].some((option) => option.value === String(at));\
         return [`#?${table.id}.base=${at + 1}`, offered, \
             [...table.tBodies[0].rows].map(factor)]";
    let page = site.page(Kind::Full)?;
    let seen = browser.script(bounded, &[])?;
    let address = seen[0].as_str().ok_or("no row is a lower bound")?;
    ensure(seen[1] == false, || format!("{address} is offered"))?;
    browser.open(&page, address)?;
    let linked = browser.script(bounded, &[])?;
    ensure(linked == seen, || format!("{seen}\nlinked: {linked}"))
}

fn copying(site: &Site, browser: &mut Browser) -> Result<(), String> {
    browser.open(&site.page(Kind::Full)?, "")?;
    let rows = seen(browser)?;
    browser.choose(&select(2), &rows[0])?;
    // A browser without a screen has no clipboard that can be trusted.
    let caught = "Object.defineProperty(navigator, 'clipboard', { value: \
        { writeText: (text) => { window.copied = text; return Promise.resolve(); } } })";
    browser.script(caught, &[])?;
    browser.script(
        &in_table("[...tools.querySelectorAll('button')].at(-1).focus()"),
        &[],
    )?;
    browser.press("\u{e007}")?;
    let copied = browser.script("return window.copied", &[])?;
    let copied = copied.as_str().ok_or("nothing was copied")?;
    let lines: Vec<&str> = copied.lines().collect();
    ensure(lines.len() == rows.len() + 1, || copied.to_owned())?;
    let bars = |line: &&str| line.replace("\\|", "").matches('|').count();
    let same = lines.iter().all(|line| bars(line) == bars(&lines[0]));
    ensure(same && lines[0].starts_with("| model |"), || {
        copied.to_owned()
    })?;
    ensure(lines[1].starts_with("| --- | ---: |"), || copied.to_owned())?;
    ensure(lines[2].starts_with(&format!("| {} |", rows[1])), || {
        copied.to_owned()
    })?;
    for (name, expected) in [
        (
            "ask @octocat, #12 or ~~x~~",
            "ask `@octocat,` `#12` or \\~\\~x\\~\\~",
        ),
        ("a|b\\c &lt; $x$ >1", "a\\|b\\\\c \\&lt; \\$x\\$ >1"),
        (
            "HTTPS://example.org/|x `@a``b",
            "`HTTPS://example.org/¦x` ``` `@a``b ```",
        ),
    ] {
        let named = "rows.at(-1).cells[0].textContent = arguments[0];\
             [...tools.querySelectorAll('button')].at(-1).focus()";
        browser.script(&in_table(named), &[json!(name)])?;
        browser.press("\u{e007}")?;
        let copied = browser.script("return window.copied", &[])?;
        let copied = copied.as_str().unwrap_or_default();
        let last = copied.lines().last().unwrap_or_default();
        ensure(last.starts_with(&format!("| {expected} |")), || {
            last.to_owned()
        })?;
    }
    Ok(())
}

fn linking(site: &Site, browser: &mut Browser) -> Result<(), String> {
    let page = site.page(Kind::Full)?;
    browser.open(&page, "")?;
    let rows = seen(browser)?;
    browser.click(&format!("#{TABLE} thead th:first-child button"))?;
    browser.choose(&select(1), &rows[2])?;
    browser.choose(&select(2), &rows[4])?;
    browser.click(".theme")?;
    browser.click(".theme")?;
    let view = |browser: &Browser| -> Result<Value, String> {
        browser.script(
            &in_table(
                "return [rows.map((row) => [word(row.cells[0]), word(row.cells[1]), \
                    row.checkVisibility()]), heads.map((head) => head.getAttribute('aria-sort')), \
                    getComputedStyle(document.body).backgroundColor, \
                    [...tools.querySelectorAll('button')].map(word), tools.querySelector('select').value]",
            ),
            &[],
        )
    };
    let (before, fragment) = (view(browser)?, fragment(browser)?);
    ensure(fragment.len() > 10, || {
        format!("address ends in {fragment:?}")
    })?;
    browser.reload()?;
    let reloaded = view(browser)?;
    ensure(reloaded == before, || {
        format!("{before}\nreloaded: {reloaded}")
    })?;
    browser.open(&page, &fragment)?;
    let linked = view(browser)?;
    ensure(linked == before, || format!("{before}\nlinked: {linked}"))?;
    // An address that somebody cut or changed.
    for odd in [
        "#?t1.sort=99a&t1.hide=0.9999.x&t1.base=-4",
        "#%E0%A4%A",
        "#w3",
        "#?theme=pink&=&",
    ] {
        browser.open(&page, odd)?;
        none(&browser.console()?, odd)?;
        let rows = seen(browser)?;
        ensure(!rows.is_empty(), || odd.to_owned())?;
    }
    Ok(())
}

fn theme(site: &Site, browser: &mut Browser) -> Result<(), String> {
    let page = site.page(Kind::Full)?;
    let paper = |browser: &Browser| -> Result<bool, String> {
        let script = "const [first] = getComputedStyle(document.body).backgroundColor\
            .match(/[0-9.]+/g); return Number(first)";
        let first = browser.script(script, &[])?;
        Ok(first.as_f64().is_some_and(|part| part > 128.0))
    };
    for system in [Theme::Light, Theme::Dark] {
        browser.show_on(Screen {
            theme: system,
            ..DESK
        })?;
        browser.open(&page, "")?;
        let mut light = vec![paper(browser)?];
        for _ in 0..3 {
            browser.click(".theme")?;
            light.push(paper(browser)?);
        }
        let of_system = system == Theme::Light;
        // The system's, light, dark, and the system's again.
        ensure(light == [of_system, true, false, of_system], || {
            format!("{system:?}: {light:?}")
        })?;
    }
    Ok(())
}

fn links(site: &Site, browser: &mut Browser) -> Result<(), String> {
    browser.open(&site.page(Kind::Full)?, "")?;
    let script = "const inner = [...document.querySelectorAll('a[href^=\"#\"]')];\
        return [inner.length, inner.map((link) => link.getAttribute('href'))\
            .filter((href) => !document.getElementById(href.slice(1)))]";
    let found = browser.script(script, &[])?;
    ensure(found[0].as_u64().is_some_and(|count| count > 10), || {
        format!("{found}")
    })?;
    ensure(found[1] == json!([]), || {
        format!("lead nowhere: {}", found[1])
    })
}
