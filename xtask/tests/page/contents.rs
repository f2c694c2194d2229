//! The sections, from the answer to the raw numbers.

use xtask::page::page;
use xtask::render;
use xtask::results::{Results, SCHEMA};

use crate::fixture::results;
use crate::markup::Page;

fn empty() -> Results {
    Results {
        schema: SCHEMA,
        complete: true,
        environment: Default::default(),
        settings: Default::default(),
        workloads: Vec::new(),
        cells: Vec::new(),
        skipped: Vec::new(),
        warnings: Vec::new(),
    }
}

/// One line of single spaces.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<&str>>().join(" ")
}

#[test]
fn equal_results_make_the_same_page() {
    let one = page(&results(), None);
    assert_eq!(one, page(&results(), None));
    let json = serde_json::to_vec(&results()).expect("JSON");
    let read = xtask::results::parse(&json).expect("results");
    assert_eq!(one, page(&read, None));
}

#[test]
fn page_answers_before_all_else() {
    let markup = page(&results(), None);
    let page = Page::read(&markup);
    let order = [
        "answer", "machine", "matrix", "w1", "w2", "sweeps", "spoiled", "method",
    ];
    let places: Vec<usize> = order
        .iter()
        .map(|id| {
            markup
                .find(&format!("id=\"{id}\""))
                .unwrap_or_else(|| panic!("no {id}"))
        })
        .collect();
    assert!(places.is_sorted(), "{places:?}");
    let answer = &page.id("answer").text;
    assert!(
        answer.contains("tasks that wait") && answer.contains("tokio-tasks"),
        "{answer}"
    );
    assert!(
        answer.contains("This comparison was interrupted"),
        "{answer}"
    );
}

#[test]
fn every_figure_of_the_text_is_on_the_page() {
    let results = results();
    let markup = page(&results, None);
    let text = flat(Page::read(&markup).text());
    for table in 0..results.workloads.len() {
        let printed = render::table(&results, table);
        let (figures, sentences) = printed.split_at(printed.find("\n- ").expect("sentences"));
        let figures = figures.split_whitespace();
        let numbers = figures.filter(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        for word in numbers
            .chain(sentences.split_whitespace())
            .filter(|word| *word != "-")
        {
            let word = word.trim_end_matches(':');
            assert!(text.contains(word), "{word} is missing");
        }
    }
    for line in render::environment(&results).lines() {
        let said = flat(line.get(10..).unwrap_or(""));
        assert!(text.contains(&said), "{said} is missing");
    }
}

#[test]
fn matrix_marks_shades_ties_and_gaps_by_text() {
    let page = Page::read(&page(&results(), None));
    let matrix = page.id("m");
    assert_eq!(matrix.name, "table");
    for said in [
        "best",
        "ERR",
        "–",
        "·",
        "waits",
        "gcd",
        "sequential",
        "data-parallel",
    ] {
        assert!(matrix.text.contains(said), "{said}: {}", matrix.text);
    }
    let ties = page.classed("span", "tie");
    assert!(
        ties.iter().any(|tie| tie.text.ends_with(['=', '≈'])),
        "{ties:?}"
    );
}

#[test]
fn failures_and_gaps_are_rows_with_their_reasons() {
    let page = Page::read(&page(&results(), None));
    let rows = page.classed("tbody", "none");
    let text: String = rows.iter().map(|row| flat(&row.text)).collect();
    assert!(
        text.contains("wrong answer: digest 00000000deadbeef"),
        "{text}"
    );
    assert!(
        text.contains("skipped: its worker processes need Linux"),
        "{text}"
    );
    let spoiled = &page.id("spoiled").text;
    assert!(spoiled.contains("INCOMPLETE"), "{spoiled}");
    assert!(
        spoiled.contains("its idle threads do not sleep"),
        "{spoiled}"
    );
    assert!(spoiled.contains("wrong answer"), "{spoiled}");
}

#[test]
fn sweeps_have_a_knee_and_a_curve_for_each_row() {
    let page = Page::read(&page(&results(), None));
    let sweep = page.id("s1");
    let printed = render::sweeps(&results());
    assert!(
        sweep.text.contains("time by the number of workers"),
        "{}",
        sweep.text
    );
    for word in printed.lines().next().expect("a title").split_whitespace() {
        assert!(sweep.text.contains(word), "{word}");
    }
    let curves = page.classed("path", "curve").len();
    assert!(curves >= 1);
    assert_eq!(page.classed("td", "knee").len(), curves);
}

#[test]
fn nothing_measured_makes_a_page_that_says_so() {
    let page = Page::read(&page(&empty(), None));
    assert_eq!(page.all("h1")[0].text, "Nothing was measured");
    assert!(page.all("table").is_empty());
    let mut results = results();
    results.cells.clear();
    let page = Page::read(&xtask::page::page(&results, None));
    assert_eq!(page.all("h1")[0].text, "Nothing to choose from");
    assert!(
        page.id("w1").text.contains("none of"),
        "{}",
        page.id("w1").text
    );
}

#[test]
fn one_workload_is_answered_in_its_own_words() {
    let mut results = results();
    results.workloads.truncate(1);
    let page = Page::read(&page(&results, None));
    let head = &page.all("h1")[0].text;
    assert!(head.starts_with("waits: tokio-tasks"), "{head}");
}

#[test]
fn smoke_run_is_no_run_to_choose_by() {
    let mut results = results();
    results.settings.smoke = true;
    let page = Page::read(&page(&results, None));
    assert!(page.id("answer").text.contains("A smoke run"));
}

#[test]
fn policy_forbids_all_requests() {
    let page = Page::read(&page(&results(), None));
    let metas = page.all("meta");
    let policies = metas
        .iter()
        .filter(|meta| meta.attribute("http-equiv") == Some("Content-Security-Policy"));
    let policy: Vec<&str> = policies
        .filter_map(|meta| meta.attribute("content"))
        .collect();
    let [policy] = policy[..] else {
        panic!("{policy:?}");
    };
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(
        !policy.contains("unsafe") && !policy.contains("http"),
        "{policy}"
    );
}

#[test]
fn everything_stands_there_without_the_script() {
    let markup = page(&results(), None);
    let page = Page::read(&markup);
    let script = &page.all("script")[0].text;
    assert!(script.len() < 12_000, "{}", script.len());
    // It comes last, and nothing waits for it to be shown.
    assert!(markup.find("<script>") > markup.find("</main>"));
    assert!(!markup.contains(" hidden>") && !markup.contains("<button"));
    for cell in &results().cells {
        assert!(page.text().contains(&cell.model), "{}", cell.model);
    }
}
